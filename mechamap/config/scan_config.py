"""ScanConfig: everything that shapes a scan, as a value; a config file and a run's record are both read as one."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, Literal

__all__ = ["Category", "ScanConfig", "config_to_dict"]


@dataclass(frozen=True, slots=True)
class Category:
    """A name and its words; a word in lower case matches in any case, another exactly as written."""

    name: str
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ScanConfig:
    """What a scan looks for, in which texts, and how; the YAML keys have the same names."""

    categories: tuple[Category, ...]
    texts: tuple[str, ...]
    templates: tuple[str, ...]
    contrast: tuple[str, ...]
    threshold: float
    top_k_tokens: int
    pooling: Literal["last", "mean", "max"]
    add_bos: bool
    exclude_first_position: bool
    exclude_special_tokens: bool
    window: int
    layers: str
    limit_neurons: int | None
    neurons: tuple[str, ...] | None
    dtype: str
    device: str
    device_map: str | dict[str, str] | None
    quantize: str | None
    revision: str | None
    trust_remote_code: bool
    keep_activations: Literal["auto", "always", "never"]


def config_to_dict(config: ScanConfig) -> dict[str, Any]:
    """The whole config in plain values, as JSON holds it; ``config_from_dict`` reads it back."""
    plain = {field.name: getattr(config, field.name) for field in dataclasses.fields(config)}
    plain["categories"] = {category.name: {"words": list(category.words)} for category in config.categories}
    for name in ("texts", "templates", "contrast", "neurons"):
        plain[name] = None if plain[name] is None else list(plain[name])
    return plain
