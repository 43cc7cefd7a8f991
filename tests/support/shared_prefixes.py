"""Carrier sentences run in both ways: their common beginnings once, and every sentence whole."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from torch import Tensor

from mechamap.capture.hooked_pass import PassSettings, capture_layers
from mechamap.capture.prefix_check import relative_difference
from mechamap.capture.prefix_pass import capture_sharing_prefixes
from mechamap.config.scan_config import ScanConfig
from mechamap.config.schema import default_config
from mechamap.models.loaded import LoadedModel
from mechamap.text.carrier_words import carrier_words
from mechamap.text.carriers import Carriers, carry

__all__ = ["TEMPLATES", "Outcome", "captured", "few_words", "run_both_ways", "sentences"]

TEMPLATES = ("The next word on the list is {}", "Nobody in the room had mentioned {}", "Then {} was at the table.")


def few_words(words: int = 4, **changes: Any) -> ScanConfig:
    """Three categories of the default config with their first words, and words of none, in three sentences."""
    config = default_config()
    categories = tuple(replace(category, words=category.words[:words], near=()) for category in config.categories[:3])
    contrast = (config.contrast or ())[:words]
    return replace(config, **{"categories": categories, "contrast": contrast, "templates": TEMPLATES} | changes)


def sentences(loaded: LoadedModel, config: ScanConfig | None = None) -> Carriers:
    """The words in their sentences as a model reads them."""
    config = config or few_words()
    return carry(carrier_words(config, loaded.tokenizer), config, loaded.tokenizer, loaded.context, loaded.kind)


@dataclass(slots=True)
class Outcome:
    """What became of a pass.

    Attributes:
        difference: the largest of a layer from whole sentences, of its largest activation.
        shared: whether beginnings were run once.
        reason: why whole sentences were run, as in the log.
    """

    difference: float = 0.0
    shared: bool = False
    reason: str = ""


def run_both_ways(loaded: LoadedModel, carriers: Carriers, **options: Any) -> Outcome:
    """Capture the words' activations in both ways; fails where layers or shapes differ."""
    whole = captured(capture_layers, loaded, carriers, **options)
    with _messages() as messages:
        shared = captured(capture_sharing_prefixes, loaded, carriers, **options)
    assert list(shared) == list(whole)
    assert {layer: values.shape for layer, values in shared.items()} == {
        layer: values.shape for layer, values in whole.items()
    }
    reasons = [text.partition("whole windows are run: ")[2] for text in messages if "not used" in text]
    return Outcome(
        max(relative_difference(shared[layer], whole[layer]) for layer in whole),
        any("are run for each window" in text for text in messages),
        reasons[0] if reasons else "",
    )


def captured(
    capture: Callable[..., None], loaded: LoadedModel, carriers: Carriers, **options: Any
) -> dict[int, Tensor]:
    """The activations at the words by layer, ``[positions, neurons]``."""
    kept: dict[int, Tensor] = {}
    settings = PassSettings(position_mask=carriers.tokenized.scored, **options)
    layers = loaded.layers
    capture(loaded, carriers.tokenized, layers, lambda layer, x: kept.update({layer.layer: x.clone()}), settings)
    return kept


@dataclass
class _Kept(logging.Handler):
    """Keeps what is logged."""

    texts: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(logging.DEBUG)

    def emit(self, record: logging.LogRecord) -> None:
        self.texts.append(record.getMessage())

    __hash__ = object.__hash__


@contextmanager
def _messages() -> Iterator[list[str]]:
    """What the pass writes into the log."""
    logger, kept = logging.getLogger("mechamap.capture.prefix_pass"), _Kept()
    before = logger.level
    logger.addHandler(kept)
    logger.setLevel(logging.DEBUG)
    try:
        yield kept.texts
    finally:
        logger.removeHandler(kept)
        logger.setLevel(before)
