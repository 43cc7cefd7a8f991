"""ScanConfig: everything that shapes a scan, as a value; a config file and a run's record are both read as one."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from mechamap.config.corpus_settings import CorpusSettings
from mechamap.system.plain_values import to_plain_values

__all__ = ["Category", "ScanConfig", "config_to_dict", "lists_of"]


@dataclass(frozen=True, slots=True)
class Category:
    """A name and its words; a word in lower case matches in any case, another exactly as written.

    Attributes:
        words: the members that neurons are scored by.
        others: more members, which choose no neuron anywhere.
        near: hard controls: near relatives that are no members.
    """

    name: str
    words: tuple[str, ...]
    others: tuple[str, ...] = ()
    near: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ScanConfig:
    """What a scan looks for, in which texts, and how; the YAML keys have the same names.

    ``contrast`` is None where contrast words are drawn to match the categories' words. Settings that came later than
    the first runs have defaults, so that a run that lacks them is read without the default config. Where there is a
    ``corpus``, it is read in place of the ``texts``.
    """

    categories: tuple[Category, ...]
    texts: tuple[str, ...]
    templates: tuple[str, ...]
    contrast: tuple[str, ...] | None
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
    hard_auroc: float = 0.8
    second_text: Literal["auto", "always", "never"] = "auto"
    adapter: str | None = None
    corpus: CorpusSettings | None = None


def config_to_dict(config: ScanConfig) -> dict[str, Any]:
    """The whole config in plain values, as JSON holds it; ``config_from_dict`` reads it back."""
    plain = {field.name: getattr(config, field.name) for field in dataclasses.fields(config)}
    plain["categories"] = lists_of(config.categories)
    for name in ("texts", "templates", "contrast", "neurons"):
        plain[name] = None if plain[name] is None else list(plain[name])
    plain["corpus"] = None if config.corpus is None else to_plain_values(config.corpus)
    return plain


def lists_of(categories: Iterable[Category]) -> dict[str, dict[str, list[str]]]:
    """The lists of words of each category, by its name and theirs; empty ones are left out."""
    return {
        category.name: {
            name: list(words)
            for name, words in (("words", category.words), ("others", category.others), ("near", category.near))
            if words or name == "words"
        }
        for category in categories
    }
