"""The ``models:`` of a config: the models of a sweep, and what is different for each.

A list of names as the command line takes them, or of mappings of ``model:`` and the settings that differ from the
file's. A path is meant relative to the file. A scan of one model passes over the list.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

from mechamap.catalog.short_names import SHORT_NAMES
from mechamap.catalog.source import looks_like_path
from mechamap.config.located import Located, fail
from mechamap.config.model_settings import beside_file
from mechamap.config.settings import SETTINGS, unknown_key
from mechamap.system.paths import user_path
from mechamap.wording.plain import shortened

__all__ = ["OWN_SETTINGS", "SweptModel", "read_models"]


OWN_SETTINGS = (
    "revision",
    "dtype",
    "device",
    "device_map",
    "quantize",
    "adapter",
    "neurons",
    "trust_remote_code",
    "layers",
    "limit_neurons",
    "window",
    "add_bos",
    "threshold",
    "keep_activations",
)
"""The settings that may differ between models of a sweep; categories and texts are the same for all."""

_SHARED = frozenset({*SETTINGS, "extend", "categories", "texts", "templates", "contrast"} - {*OWN_SETTINGS})
_KEYS = ("model", "label", *OWN_SETTINGS)
_MODEL = "a name such as gpt2, a folder, or a mapping such as {model: gpt2, dtype: float16}"
_LABEL = re.compile(r"\w[\w .+-]{0,78}[\w+-]|\w")


@dataclass(frozen=True, slots=True)
class SweptModel:
    """A model of a sweep.

    Attributes:
        name: as the command line takes it; a path is absolute.
        label: what its run is called; empty where none was given.
        settings: the config's keys that differ for it, with values as ScanConfig has them.
        where: the place in the file, ``file:line:column``; empty where it was named on the command line.
    """

    name: str
    label: str = ""
    settings: Mapping[str, object] = field(default_factory=dict)
    where: str = field(default="", compare=False)

    def to_plain(self) -> str | dict[str, object]:
        """As the YAML has it; a name alone where nothing differs."""
        if not self.label and not self.settings:
            return self.name
        label = {"label": self.label} if self.label else {}
        lists = {key: list(value) if isinstance(value, tuple) else value for key, value in self.settings.items()}
        return {"model": self.name, **label, **lists}


def read_models(entry: Located, folder: Path) -> tuple[SweptModel, ...]:
    """The models of a sweep; none for null or an empty list.

    Args:
        folder: what paths are relative to.

    Raises:
        ConfigError: a mistake, named by its place.
    """
    if entry.value is None:
        return ()
    if not isinstance(entry.value, list):
        fail(entry, f"models is {entry.described()}", "a list of models, such as [gpt2, pythia-160m]")
    models = tuple(_model(item, folder) for item in entry.value)
    labels: set[str] = set()
    for model, item in zip(models, entry.value, strict=True):
        if model.label and model.label.casefold() in labels:
            assert isinstance(item.value, dict)
            hint = "Labels tell runs apart and name their folders."
            fail(item.value["label"], f'the label "{model.label}" a second time', "each label once", hint)
        labels.add(model.label.casefold())
    return models


def _model(item: Located, folder: Path) -> SweptModel:
    if not isinstance(item.value, dict):
        return SweptModel(_name(item, folder), where=item.where)
    if "model" not in item.value:
        _no_model(item)
    settings: dict[str, object] = {}
    for key, value in item.value.items():
        if key in OWN_SETTINGS:
            setting = SETTINGS[key](value, key)
            settings[key] = beside_file(setting, folder) if key == "adapter" else setting
        elif key in _SHARED:
            place = value.key_where or value.where
            fail(place, f"{key} of one model", "it at the top of the file", "It is the same for all models.")
        elif key not in ("model", "label"):
            unknown_key(key, value, _KEYS, " of a model")
    if settings.get("device_map") is not None and settings.get("device", "auto") != "auto":
        device_map = item.value["device_map"]
        fail(device_map, f"device_map is given together with device {settings['device']}", "one of the two")
    label = _label(item.value["label"]) if "label" in item.value else ""
    return SweptModel(_name(item.value["model"], folder), label, settings, item.where)


def _no_model(item: Located) -> NoReturn:
    assert isinstance(item.value, dict)
    hint = ""
    if len(item.value) == 1:
        (name, settings), *_ = item.value.items()
        if (isinstance(settings.value, dict) or settings.value is None) and name not in _KEYS:
            hint = f"Write model: {shortened(name)}, and its settings beside it."
    fail(item, "a mapping without model", _MODEL, hint)


def _name(entry: Located, folder: Path) -> str:
    # A folder named 1000 looks like a number to YAML; its spelling is what counts.
    name = entry.written.strip()
    if isinstance(entry.value, bool | list | dict) or entry.value is None or not name:
        fail(entry, f"a model is {entry.described()}", _MODEL)
    return _beside(name, folder)


def _beside(name: str, folder: Path) -> str:
    """``name`` as the file in ``folder`` means it: what lies beside the file by its absolute path, another as it is."""
    if name == "demo":
        return name
    try:
        path = folder / user_path(name)
        is_model = path.is_file() or (path / "config.json").is_file()
    except (OSError, RuntimeError):  # not a possible file name, or the home of an unknown user
        return name
    # As on the command line, a folder that merely shares a model's name does not hide it.
    if is_model or looks_like_path(name) or (path.is_dir() and name.lower() not in SHORT_NAMES):
        return str(path.resolve())
    return name


def _label(entry: Located) -> str:
    label = entry.written.strip()
    if isinstance(entry.value, bool | list | dict) or entry.value is None or not _LABEL.fullmatch(label):
        hint = "The folder of its run gets this name."
        fail(entry, f"a label is {entry.described()}", "a short name of letters, digits, blanks and . _ + -", hint)
    return label
