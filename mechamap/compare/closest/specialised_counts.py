"""Specialised neurons counted with the words as they are, and with resampled words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mechamap.compare.words.placements import PlacedWords
from mechamap.figures.catalogue import FEW_OCCURRENCES

__all__ = ["ANY", "ONE", "CountedShares", "Key", "counted_shares", "draw_weights", "word_keys"]


ONE, ANY = "exactly one", "at least one"
BLOCK_BYTES = 32 * 2**20
ROUNDING = 1e-6

Key = tuple[str, str]  # category and word


def word_keys(model: PlacedWords) -> list[Key]:
    """The category and spelling of each of a model's words."""
    return [(model.categories[number], word) for number, word in zip(model.category.tolist(), model.words, strict=True)]


def draw_weights(keys: Sequence[Key], draws: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """How often each word is drawn, ``[keys, draws]``: of each category as many as it has."""
    times = np.zeros((len(keys), draws), np.float32)
    for category in sorted({category for category, _ in keys}):
        mine = [index for index, key in enumerate(keys) if key[0] == category]
        times[mine] = rng.multinomial(len(mine), np.full(len(mine), 1 / len(mine)), size=draws).T
    return times


@dataclass(frozen=True, slots=True)
class CountedShares:
    """Shares by name, with the words as they are and in every draw."""

    names: tuple[str, ...]
    shares: NDArray[np.float64]  # [names]
    drawn: NDArray[np.float64]  # [names, draws]
    neurons: int

    def of(self, names: Sequence[str]) -> NDArray[np.float64]:
        return self.shares[[self.names.index(name) for name in names]]

    def draws_of(self, names: Sequence[str]) -> NDArray[np.float64]:
        return self.drawn[[self.names.index(name) for name in names]]


def counted_shares(
    model: PlacedWords,
    weights: NDArray[np.float32],
    keys: Sequence[Key],
    threshold: float,
    reached: Callable[[PlacedWords, int], None],
) -> CountedShares:
    """Count neurons block by block, each block announced; the first column is that of the words as they are."""
    place = {key: index for index, key in enumerate(keys)}
    mine = weights[[place[key] for key in word_keys(model)]]  # [words, draws]
    mine = np.concatenate([np.ones((len(mine), 1), np.float32), mine], axis=1)  # [words, 1 + draws]
    neurons, counts = 0, np.zeros((2 + len(model.categories), mine.shape[1]))
    block = max(BLOCK_BYTES // (4 * mine.shape[1]), 1)
    for first in range(0, len(model.sums), block):
        reached(model, first)
        rows = first + np.flatnonzero(np.isfinite(model.sums[first : first + block]).any(axis=1))
        neurons += len(rows)
        several = np.zeros((len(rows), mine.shape[1]), np.uint16)
        for number in range(len(model.categories)):
            columns = model.of_category(number)
            holds = _holds(model, rows, columns, mine[columns], threshold)  # [block, 1 + draws]
            counts[2 + number] += np.count_nonzero(holds, axis=0)
            several += holds
        counts[0] += np.count_nonzero(several == 1, axis=0)
        counts[1] += np.count_nonzero(several, axis=0)
    counts /= max(neurons, 1)
    unknown = [not len(model.of_category(number)) for number in range(len(model.categories))]
    counts[[all(unknown), all(unknown), *unknown]] = np.nan
    return CountedShares((ONE, ANY, *model.categories), counts[:, 0], counts[:, 1:], neurons)


def _holds(
    model: PlacedWords,
    rows: NDArray[np.intp],
    columns: NDArray[np.intp],
    weights: NDArray[np.float32],
    threshold: float,
) -> NDArray[np.bool_]:
    """Which neurons are specialised in a category in which draw: \\|2 AUROC - 1\\| = 2 \\|sum - n/2\\| / n."""
    routed = len(model.counts) > 1
    counts = model.counts[np.ix_(rows, columns)] if routed else model.counts[:, columns]  # [block or 1, words]
    centred = model.sums[np.ix_(rows, columns)] - np.float32(0.5) * counts  # [block, words]
    centred[~np.isfinite(centred).all(axis=1)] = 0.0
    if routed:  # experts: too few occurrences say nothing
        centred[counts.sum(axis=1) < FEW_OCCURRENCES] = 0.0
    least = counts @ weights  # [block or 1, draws]
    least *= np.float32(threshold / 2 * (1 - ROUNDING))
    least[least <= 0] = np.inf  # none of its words were drawn
    distance = centred @ weights  # [block, draws]
    np.abs(distance, out=distance)
    return distance >= least
