"""A corpus read the slow and plain way: every window alone, every activation kept, and figures from all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mechamap.config.scan_config import ScanConfig
from mechamap.models.loaded import LoadedModel
from mechamap.runs.run import Run
from mechamap.text.occurrences import Occurrence, find_words
from mechamap.text.tokenize import TokenizedText, tokenize
from support.plain_activations import plain_activations

__all__ = ["PlainCorpus", "differences"]


@dataclass(frozen=True)
class PlainCorpus:
    """Attributes:
    tokenized: all documents as texts.
    places: (document, token) of each position, -1 of special tokens.
    activations: of each layer, ``[positions, neurons]``.
    occurrences: of the categories' words.
    """

    tokenized: TokenizedText
    places: list[tuple[int, int]]
    activations: dict[int, NDArray[np.float32]]
    occurrences: Sequence[Occurrence]

    @classmethod
    def read(cls, loaded: LoadedModel, texts: Sequence[str], config: ScanConfig) -> PlainCorpus:
        assert config.corpus is not None
        config = replace(config, window=config.corpus.seq_len)
        tokenized = tokenize(texts, loaded.tokenizer, config, loaded.context, loaded.kind)
        places: list[tuple[int, int]] = []
        counts: dict[int, int] = {}
        for window in tokenized.windows:
            for position in range(window.start, window.start + window.length):
                if tokenized.offsets[position, 0] < 0:
                    places.append((window.text, -1))
                    continue
                places.append((window.text, counts.get(window.text, 0)))
                counts[window.text] = counts.get(window.text, 0) + 1
        windows = [(window.text, window.start, window.length) for window in tokenized.windows]
        words = find_words(tokenized, texts, [category.words for category in config.categories])
        return cls(tokenized, places, plain_activations(loaded, tokenized.ids, windows), words.occurrences)

    @property
    def scored(self) -> NDArray[np.intp]:
        return np.flatnonzero(self.tokenized.scored)

    def last(self, category: int) -> list[int]:
        """The last position of each occurrence."""
        return [each.last for each in self.occurrences if each.category == category]

    def rest(self, category: int) -> list[int]:
        """Scored positions outside all occurrences."""
        inside = {
            position
            for each in self.occurrences
            if each.category == category
            for position in range(each.first, each.last + 1)
        }
        return [position for position in self.scored.tolist() if position not in inside]

    def highest(self, layer: int, neuron: int, count: int, sign: int = 1) -> list[tuple[float, int, int]]:
        """Value, document and token of the highest contexts of a neuron (lowest with -1), each of another document."""
        values = sign * self.activations[layer][:, neuron]
        best: dict[int, tuple[float, int]] = {}
        for position in self.scored.tolist():
            document, token = self.places[position]
            if document not in best or values[position] > best[document][0]:
                best[document] = float(values[position]), token
        order = sorted(best.items(), key=lambda item: (-item[1][0], item[0]))
        return [(sign * value, document, token) for document, (value, token) in order[:count]]


_ROUNDED = dict.fromkeys(("mean", "mean_se", "mean_all", "std_all", "d", "d_se"), 1e-6)
_ROUNDED |= {"skew": 1e-4, "kurtosis": 1e-4}


def differences(a: Run, b: Run) -> list[str]:
    """In what two runs over one corpus differ: figures that are counted, drawn or ranked exactly, sums to 1e-6."""
    found = []
    if set(a.record.figures) != set(b.record.figures):
        found.append(f"figures: {set(a.record.figures) ^ set(b.record.figures)}")
    for name in a.record.figures:
        mine, other = np.asarray(a.figure(name)), np.asarray(b.figure(name))
        if name in _ROUNDED:
            same = np.allclose(mine, other, rtol=_ROUNDED[name], atol=_ROUNDED[name], equal_nan=True)
        else:
            same = np.array_equal(mine, other, equal_nan=mine.dtype.kind == "f")
        if not same:
            found.append(name)
    for member in ("coverage", "exclusions", "categories"):
        if getattr(a.record, member) != getattr(b.record, member):
            found.append(member)
    for member in ("documents", "tokens", "scored", "windows", "first_ids", "stream", "categories", "kept_tokens"):
        if getattr(a.record.corpus, member) != getattr(b.record.corpus, member):
            found.append(f"corpus.{member}")
    for member in ("ids", "pieces", "windows"):
        if list(getattr(a.record.tokens, member)) != list(getattr(b.record.tokens, member)):
            found.append(f"tokens.{member}")
    return found
