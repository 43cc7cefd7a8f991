"""The scans that a list of models asks for: one for each model, with a config and a name of its own."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn, cast

from mechamap.catalog.source import ModelSource, resolve, short_label
from mechamap.config.model_settings import one_place
from mechamap.config.scan_config import ScanConfig, config_to_dict
from mechamap.config.schema import config_of, default_config, with_overrides
from mechamap.config.sweep_models import SweptModel, read_models
from mechamap.config.yaml_reading import read_config_file
from mechamap.config.yaml_writing import dump
from mechamap.errors import ConfigError, MechaMapError, UsageError

__all__ = ["Named", "SweepConfig", "SweepJob", "labels_of", "load_sweep", "sweep_jobs", "sweep_to_yaml"]


# Their values need no key beside them.
_PLAIN = ("revision", "dtype", "device", "quantize", "adapter")


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
            alike = [other for other in models if other.id == model.id]
            parts = [short[model.id]]
            if len(alike) > 1:
                parts += _settings(model, alike)
            label = _free(_as_folder("-".join(parts)), taken)
            taken.add(label.casefold())
        labels.append(label)
    return tuple(labels)


def _told_apart(ids: set[str]) -> dict[str, str]:
    """For each id as little of its end as tells it from the others."""
    names = {model_id: short_label(model_id) for model_id in ids}
    parts = {model_id: [part for part in re.split(r"[/\\]", model_id) if part] for model_id in ids}
    depth = 1
    while depth < max(map(len, parts.values()), default=0):
        depth += 1
        lower = {model_id: name.casefold() for model_id, name in names.items()}
        alike = [model_id for model_id in ids if list(lower.values()).count(lower[model_id]) > 1]
        if not alike:
            break
        for model_id in alike:
            names[model_id] = "-".join([*parts[model_id][-depth:-1], short_label(model_id)])
    return names


def _settings(model: Named, alike: Sequence[Named]) -> list[str]:
    """A model's settings that others of the same model have not, or have otherwise."""
    shown = []
    for key, value in model.settings.items():
        if value is None or all(key in other.settings and other.settings[key] == value for other in alike):
            continue
        if isinstance(value, dict | tuple):
            shown.append(key)
        else:
            text = Path(str(value)).name if key == "adapter" else str(value)
            shown.append(text if key in _PLAIN else f"{key}-{text}")
    return shown


def _as_folder(text: str) -> str:
    return re.sub(r"[^\w.-]+", "-", text).strip("-.")[:80] or "model"


def _free(label: str, taken: set[str]) -> str:
    number, free = 1, label
    while free.casefold() in taken:
        number += 1
        free = f"{label}-{number}"
    return free


@dataclass(frozen=True, slots=True)
class SweepConfig:
    """A config file: what holds for every model, and the models, none where the file lists none."""

    config: ScanConfig
    models: tuple[SweptModel, ...] = ()


@dataclass(frozen=True, slots=True)
class SweepJob:
    """One scan of a sweep.

    Attributes:
        label: what its run is called; no two of a sweep are alike, in whatever case.
        model: its name, as the user gave it.
        meaning: what the name means, or why it means nothing here; ask for ``source``.
        config: its own, whole.
        out: the run's folder; None: a new one in the data folder.
        resume: go on with the run in ``out`` where there is one; see also :func:`mechamap.scan.sweep.resumed`.
        where: the model's place in the config file; empty where it was named on the command line.
    """

    label: str
    model: str
    meaning: ModelSource | MechaMapError
    config: ScanConfig
    out: Path | None = None
    resume: bool = False
    where: str = ""

    @property
    def source(self) -> ModelSource:
        """Which model is meant.

        Raises:
            ModelNotFound: the name means nothing here, and can be no hub id.
        """
        if isinstance(self.meaning, MechaMapError):
            raise self.meaning
        return self.meaning


def load_sweep(path: Path | None) -> SweepConfig:
    """A config file with its models; ``None``: the default config and no models.

    Raises:
        ConfigError: the file is missing, unreadable or has a mistake, named as file:line:column.
    """
    if path is None:
        return SweepConfig(default_config())
    tree = read_config_file(path)
    config = config_of(tree, path.parent)  # which refuses anything but a mapping
    listed = tree.value.get("models") if isinstance(tree.value, dict) else None
    return SweepConfig(config, () if listed is None else read_models(listed, path.parent))


def sweep_to_yaml(sweep: SweepConfig) -> str:
    """The whole as YAML to read and edit; :func:`load_sweep` reads it back."""
    models = [model.to_plain() for model in sweep.models]
    return dump(config_to_dict(sweep.config) | {"models": models})


def sweep_jobs(
    sweep: SweepConfig, flags: Mapping[str, object] | None = None, out: Path | None = None, *, resume: bool = False
) -> tuple[SweepJob, ...]:
    """The scans of a sweep, in its order.

    Args:
        sweep: the config and the models; a model's own settings win over the config.
        flags: keys of the config that win over both.
        out: the folder of their folders; None: each in the data folder.
        resume: go on with the runs that are there.

    Raises:
        ConfigError, UsageError: two of them are the same scan; a flag makes no sense.
    """
    configs = [_config_of(model, sweep.config, flags or {}) for model in sweep.models]
    meanings = [_meaning(model.name) for model in sweep.models]
    ids = [
        meaning.id if isinstance(meaning, ModelSource) else model.name
        for meaning, model in zip(meanings, sweep.models, strict=True)
    ]
    numbers_of: dict[str, list[int]] = {}
    for number, (model, config) in enumerate(zip(sweep.models, configs, strict=True)):
        for earlier in numbers_of.setdefault(ids[number], []):
            if configs[earlier] == config:
                _the_same(model, sweep.models[earlier], flags or {})
        numbers_of[ids[number]].append(number)
    folder = None if out is None else out.absolute()
    named = [
        Named(ids[number], model.label, _differences(model, configs[number]))
        for number, model in enumerate(sweep.models)
    ]
    return tuple(
        SweepJob(label, model.name, meaning, config, None if folder is None else folder / label, resume, model.where)
        for label, model, meaning, config in zip(labels_of(named), sweep.models, meanings, configs, strict=True)
    )


def _config_of(model: SweptModel, base: ScanConfig, flags: Mapping[str, object]) -> ScanConfig:
    own = dataclasses.replace(base, **cast(Any, one_place(model.settings)))
    return with_overrides(own, **flags) if flags else own


def _differences(model: SweptModel, config: ScanConfig) -> dict[str, object]:
    """A model's own settings, as flags have left them."""
    return {key: getattr(config, key) for key in model.settings}


def _meaning(name: str) -> ModelSource | MechaMapError:
    """What a name means; one that means nothing here is reported when the model is looked for."""
    try:
        return resolve(name)
    except MechaMapError as error:
        return error


def _the_same(model: SweptModel, earlier: SweptModel, flags: Mapping[str, object]) -> NoReturn:
    problem = f"{model.name} is listed twice with the same settings"
    changed = sorted(key for key in flags if key in {*model.settings, *earlier.settings})
    if changed:
        hint = f"{', '.join(changed)} on the command line applies to every model in the list."
        raise UsageError(f"{problem}.", hint)
    hint = "Two scans of one model must differ in a setting, such as dtype, revision or layers."
    if not model.where:
        raise UsageError(f"{problem}.", hint)
    line = f"It is already listed in {earlier.where}. " if earlier.where else ""
    raise ConfigError(f"{model.where}: {problem}, expected each scan once", line + hint)
