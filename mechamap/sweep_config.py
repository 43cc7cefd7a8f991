"""A config file with a list of models, and the scans that it comes to: one a model, each with a config of its own."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn, cast

from mechamap import config_yaml
from mechamap.catalog import resolve
from mechamap.config import ScanConfig, config_of, config_to_dict, default_config, with_overrides
from mechamap.config_model import one_place
from mechamap.config_models import SweptModel, read_models
from mechamap.config_source import read_config_file
from mechamap.errors import ConfigError, MechaMapError, UsageError
from mechamap.paths import user_path
from mechamap.sweep_labels import Named, labels_of

__all__ = ["SweepConfig", "SweepJob", "load_sweep", "sweep_jobs", "sweep_to_yaml"]


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
        config: its own, whole.
        out: the run's folder; None: a new one in the data folder.
        resume: go on with the run in ``out`` where there is one; see also :func:`mechamap.sweep.resumed`.
        where: the model's place in the config file; empty where it was named on the command line.
    """

    label: str
    model: str
    config: ScanConfig
    out: Path | None = None
    resume: bool = False
    where: str = ""


def load_sweep(path: Path | None) -> SweepConfig:
    """A config file with its models; ``None``: the default config and no models.

    Raises:
        ConfigError: the file is missing, unreadable or has a mistake, named as file:line:column.
    """
    if path is None:
        return SweepConfig(default_config())
    tree = read_config_file(path)
    config = config_of(tree, path.parent)  # which refuses what is no mapping
    listed = tree.value.get("models") if isinstance(tree.value, dict) else None
    return SweepConfig(config, () if listed is None else read_models(listed, path.parent))


def sweep_to_yaml(sweep: SweepConfig) -> str:
    """The whole as YAML to read and edit; :func:`load_sweep` reads it back."""
    models = [model.to_plain() for model in sweep.models]
    return config_yaml.dump(config_to_dict(sweep.config) | {"models": models})


def sweep_jobs(
    sweep: SweepConfig, flags: Mapping[str, object] | None = None, out: Path | None = None, *, resume: bool = False
) -> tuple[SweepJob, ...]:
    """The scans that a sweep comes to, in its order.

    Args:
        sweep: the config and the models; what a model says of its own wins over the config.
        flags: keys of the config that win over both.
        out: the folder of their folders; None: each in the data folder.
        resume: go on with the runs that are there.

    Raises:
        ConfigError, UsageError: two of them are the same scan; a flag makes no sense.
    """
    configs = [_config_of(model, sweep.config, flags or {}) for model in sweep.models]
    ids = [_id_of(model.name) for model in sweep.models]
    seen: dict[str, list[int]] = {}
    for at, (model, config) in enumerate(zip(sweep.models, configs, strict=True)):
        for earlier in seen.setdefault(ids[at], []):
            if configs[earlier] == config:
                _the_same(model, sweep.models[earlier], flags or {})
        seen[ids[at]].append(at)
    folder = None if out is None else user_path(out).absolute()
    named = [Named(ids[at], model.label, _differences(model, configs[at])) for at, model in enumerate(sweep.models)]
    return tuple(
        SweepJob(label, model.name, config, None if folder is None else folder / label, resume, model.where)
        for label, model, config in zip(labels_of(named), sweep.models, configs, strict=True)
    )


def _config_of(model: SweptModel, base: ScanConfig, flags: Mapping[str, object]) -> ScanConfig:
    own = dataclasses.replace(base, **cast(Any, one_place(model.settings)))
    return with_overrides(own, **flags) if flags else own


def _differences(model: SweptModel, config: ScanConfig) -> dict[str, object]:
    """A model's own settings, as flags have left them."""
    return {key: getattr(config, key) for key in model.settings}


def _id_of(name: str) -> str:
    """What a name stands for; a name that stands for nothing here is told when the model is looked for."""
    try:
        return resolve(name).id
    except MechaMapError:
        return name


def _the_same(model: SweptModel, earlier: SweptModel, flags: Mapping[str, object]) -> NoReturn:
    found = f"{model.name} is named a second time with the same settings"
    changed = sorted(key for key in flags if key in {*model.settings, *earlier.settings})
    if changed:
        hint = f"{', '.join(changed)} of the command line holds for every model of the list."
        raise UsageError(f"{found}.", hint)
    hint = "Two scans of a model differ in a setting, such as dtype, revision or layers."
    if not model.where:
        raise UsageError(f"{found}.", hint)
    line = f"It stands in {earlier.where} already. " if earlier.where else ""
    raise ConfigError(f"{model.where}: {found}, expected each scan once", line + hint)
