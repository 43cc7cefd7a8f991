"""What the runs of a sweep are called: by the model, and where a model comes more than once, by what is different."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from mechamap.catalog import short_label

__all__ = ["Named", "labels_of"]

# Their values say by themselves what they are the value of.
_PLAIN = ("revision", "dtype", "device", "quantize")


@dataclass(frozen=True, slots=True)
class Named:
    """A model that needs a label: its hub id or path, the label the user gave it, and the settings of its own."""

    id: str
    label: str = ""
    settings: Mapping[str, object] = field(default_factory=dict)


def labels_of(models: Sequence[Named]) -> tuple[str, ...]:
    """A label for each, usable as a folder's name, no two alike in whatever case.

    The user's own is kept. Else it is the short name of the model, with the folders it lies in where two models have
    the same short name, and with its settings where one model comes more than once.
    """
    taken = {model.label.casefold() for model in models if model.label}
    short = _told_apart({model.id for model in models})
    labels = []
    for model in models:
        label = model.label
        if not label:
            alike = [its for its in models if its.id == model.id]
            parts = [short[model.id], *(_settings(model, alike) if len(alike) > 1 else ())]
            label = _free(_as_folder("-".join(parts)), taken)
            taken.add(label.casefold())
        labels.append(label)
    return tuple(labels)


def _told_apart(ids: set[str]) -> dict[str, str]:
    """For each id as little of its end as tells it from the others."""
    names = {its: short_label(its) for its in ids}
    parts = {its: [part for part in re.split(r"[/\\]", its) if part] for its in ids}
    depth = 1
    while depth < max(map(len, parts.values()), default=0):
        depth += 1
        lower = {its: name.casefold() for its, name in names.items()}
        alike = [its for its in ids if list(lower.values()).count(lower[its]) > 1]
        if not alike:
            break
        for its in alike:
            names[its] = "-".join([*parts[its][-depth:-1], short_label(its)])
    return names


def _settings(model: Named, alike: Sequence[Named]) -> list[str]:
    """A model's settings that others of the same model have not, or have otherwise."""
    shown = []
    for key, value in model.settings.items():
        if value is None or all(key in its.settings and its.settings[key] == value for its in alike):
            continue
        if isinstance(value, dict | tuple):
            shown.append(key)
        else:
            shown.append(str(value) if key in _PLAIN else f"{key}-{value}")
    return shown


def _as_folder(text: str) -> str:
    return re.sub(r"[^\w.-]+", "-", text).strip("-.")[:80] or "model"


def _free(label: str, taken: set[str]) -> str:
    number, free = 1, label
    while free.casefold() in taken:
        number += 1
        free = f"{label}-{number}"
    return free
