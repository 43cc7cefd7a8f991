"""A scan's config read from YAML or from a plain mapping, always validated.

A file needs only what it changes; the rest comes from ``configs/default.yaml``. ``categories:`` replaces
the whole list unless ``extend: default`` keeps it. ``models:`` is for sweeps, see :mod:`mechamap.config.sweep_models`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, cast

from mechamap.config.corpus_reading import read_corpus
from mechamap.config.corpus_settings import CorpusSettings
from mechamap.config.located import Located, fail, from_plain
from mechamap.config.model_settings import beside_file
from mechamap.config.scan_config import Category, ScanConfig, config_to_dict, lists_of
from mechamap.config.settings import SETTINGS, unknown_key
from mechamap.config.sweep_models import read_models
from mechamap.config.words import read_categories, read_contrast, read_extend, read_templates, read_texts
from mechamap.config.yaml_reading import read_config_file
from mechamap.config.yaml_writing import dump
from mechamap.errors import ConfigError, UsageError
from mechamap.system.plain_values import to_plain_values
from mechamap.wording.advice import Action, Advice

__all__ = [
    "config_from_dict",
    "config_of",
    "config_to_yaml",
    "configs_folder",
    "default_config",
    "load_config",
    "with_default_controls",
    "with_overrides",
]


_KEYS = ("extend", *(field.name for field in dataclasses.fields(ScanConfig)), "models")


def configs_folder() -> Path:
    """Where ``default.yaml`` and the domain examples lie: inside the installed package, or in the source tree.

    Raises:
        ConfigError: neither is there.
    """
    package = Path(__file__).resolve().parent.parent
    for folder in (package / "configs", package.parent / "configs"):
        if (folder / "default.yaml").is_file():
            return folder
    raise ConfigError(f"default.yaml is missing from {package / 'configs'}.", "Install MechaMap again.")


@cache
def default_config() -> ScanConfig:
    """The config of ``configs/default.yaml``."""
    path = configs_folder() / "default.yaml"
    tree = read_config_file(path)
    values = _values(tree, path.parent, base=None)
    for field in dataclasses.fields(ScanConfig):
        if field.name not in values:
            fail(tree, f"no {field.name}", "every key in the default config", "Install MechaMap again.")
    return ScanConfig(**cast(Any, values))


def load_config(path: Path | None) -> ScanConfig:
    """The config of a YAML file, completed from the default; ``None``: the default itself.

    Raises:
        ConfigError: the file is missing, unreadable or has a mistake, named as file:line:column.
    """
    if path is None:
        return default_config()
    return config_of(read_config_file(path), path.parent)


def config_from_dict(data: Mapping[str, object], source: str = "config") -> ScanConfig:
    """The config of a plain mapping (run.json, a request), completed from the default.

    Raises:
        ConfigError: a mistake, named as ``source`` and the path of keys.
    """
    return config_of(from_plain(data, f"{source}: "), Path())


def with_overrides(config: ScanConfig, /, **changes: object) -> ScanConfig:
    """``config`` with some keys changed, as flags of the command line do.

    ``categories`` takes Category values or the mapping the YAML takes; ``texts`` strings.

    Raises:
        UsageError: an unknown key or a value that the YAML would not accept either.
    """
    if "models" in changes:
        raise UsageError("models is not a setting of one scan.", Advice.of("{} takes several models.", Action("scan")))
    categories = changes.get("categories")
    if isinstance(categories, tuple | list) and all(isinstance(item, Category) for item in categories):
        changes["categories"] = lists_of(categories)
    if isinstance(changes.get("corpus"), CorpusSettings):
        changes["corpus"] = to_plain_values(changes["corpus"])
    try:
        tree = Located({key: from_plain(value, key) for key, value in changes.items()}, "overrides")
        changed = dataclasses.replace(config, **cast(Any, _values(tree, Path(), base=config)))
        _check_places(changed, tree)
    except ConfigError as error:
        # The place is the key, and "window: window is 3" says it twice.
        names_key = error.found is not None and error.found.startswith(f"{error.where} ")
        message = f"{error.found}, expected {error.expected}" if names_key else error.message
        raise UsageError(message, error.hint) from None
    return changed


def with_default_controls(config: ScanConfig) -> ScanConfig:
    """``config`` with the near relatives and the other members of default categories, where it has those categories'
    words without them: runs of earlier versions do."""
    if all(category.near for category in config.categories):
        return config
    defaults = {(category.name, category.words): category for category in default_config().categories}
    categories = (
        defaults.get((category.name, category.words), category) if not (category.near or category.others) else category
        for category in config.categories
    )
    return dataclasses.replace(config, categories=tuple(categories))


def config_to_yaml(config: ScanConfig) -> str:
    """The whole config as YAML to read and edit; ``load_config`` reads it back."""
    return dump(config_to_dict(config))


def config_of(tree: Located, folder: Path) -> ScanConfig:
    """The config given by the values of a file in ``folder``.

    Raises:
        ConfigError: a mistake, named by its place.
    """
    base = default_config()
    config = dataclasses.replace(base, **cast(Any, _values(tree, folder, base)))
    _check_places(config, tree)
    return config


def _check_places(config: ScanConfig, tree: Located) -> None:
    """Refuse a device together with a map: one puts the whole model in one place, the other spreads it."""
    if config.device_map is None or config.device == "auto" or not isinstance(tree.value, dict):
        return
    entry = tree.value.get("device_map") or tree.value.get("device") or tree
    fail(entry, f"device_map is given together with device {config.device}", "one of the two")


def _values(tree: Located, folder: Path, base: ScanConfig | None) -> dict[str, object]:
    """The validated values of the keys that ``tree`` has; ``base`` is what ``extend: default`` extends."""
    if not isinstance(tree.value, dict):
        fail(tree, f"the config is {tree.described()}", "keys such as threshold: 0.2")
    values: dict[str, object] = {}
    for key, entry in tree.value.items():
        if key in SETTINGS:
            value = SETTINGS[key](entry, key)
            values[key] = beside_file(value, folder) if key == "adapter" else value
        elif key == "texts":
            values[key] = read_texts(entry, folder)
        elif key == "templates":
            values[key] = read_templates(entry)
        elif key == "contrast":
            values[key] = read_contrast(entry)
        elif key == "corpus":
            values[key] = read_corpus(entry, folder)
        elif key == "categories":
            categories = read_categories(entry)
            extend = tree.value.get("extend")
            if extend is not None and read_extend(extend) and base is not None:
                categories = {category.name: category for category in base.categories} | categories
            values[key] = tuple(categories.values())
        elif key == "extend":
            read_extend(entry)
        elif key == "models":
            read_models(entry, folder)  # what a sweep scans, one after another: nothing that a scan of one model needs
        else:
            unknown_key(key, entry, _KEYS)
    return values
