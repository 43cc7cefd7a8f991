"""The config of a run, as its record holds it."""

from __future__ import annotations

from dataclasses import MISSING, fields

from mechamap.config.scan_config import ScanConfig, config_to_dict
from mechamap.system.plain_values import from_plain_values

__all__ = ["recorded_config"]


def recorded_config(data: object) -> ScanConfig | None:
    """The config that ``run.json`` holds; None where it holds none.

    It was checked when the run was made, so types alone are checked here. Keys that an older version did not write
    take the defaults, those of a newer one are passed over: such runs can be read.

    Raises:
        ValueError: a member is of another type; the message names it.
    """
    if not isinstance(data, dict):
        raise ValueError("config is not an object")
    if not data:
        return None
    if any(field.name not in data and field.default is MISSING for field in fields(ScanConfig)):
        from mechamap.config.schema import default_config  # reads YAML, which few runs need

        data = config_to_dict(default_config()) | data
    categories = data["categories"]
    if not isinstance(categories, dict) or not all(isinstance(entry, dict) for entry in categories.values()):
        raise ValueError("config.categories does not give the words of each category")
    named = [{"name": name, **entry} for name, entry in categories.items()]
    return from_plain_values(ScanConfig, data | {"categories": named}, "config")
