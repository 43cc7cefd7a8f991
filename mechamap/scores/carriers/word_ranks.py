"""The ranks of words in a neuron's activations, from one sort of all of them.

Every score of a confirmation is about ranks: within all words, within a half of them, within those of a category and
its controls. A neuron's values are sorted once; within a choice of words, the number of values below a value is the
number of the choice's values before it in that order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mechamap.scores.blocks import in_blocks
from mechamap.scores.ranks import precision_of, sorted_bounds

__all__ = ["DirectedLabels", "RankedWords", "ranked_words", "word_ranks"]


@dataclass(frozen=True, slots=True)
class DirectedLabels:
    """What an average precision is wanted of.

    Attributes:
        words: which words count at all, in order.
        members: ``[those words, categories]``.
        falls: ``[neurons, categories]``, where low values are to be the members'.
    """

    words: NDArray[np.intp]
    members: NDArray[np.bool_]
    falls: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class RankedWords:
    """What one sort gives.

    Attributes:
        ranks: for each choice of words ``[neurons, its words]``: the sum of a word's ranks within the choice, less its
            expectation by chance.
        precision: ``[neurons, categories]``, NaN for a category without words; None where it was not asked for.
    """

    ranks: list[NDArray[np.float32]]
    precision: NDArray[np.float32] | None


def word_ranks(
    values: NDArray[np.float32], occurrences: int, words: Sequence[NDArray[np.intp]], threads: int = 1
) -> list[NDArray[np.float32]]:
    """The ranks alone of :func:`ranked_words`."""
    return ranked_words(values, occurrences, words, threads).ranks


def ranked_words(
    values: NDArray[np.float32],
    occurrences: int,
    words: Sequence[NDArray[np.intp]],
    threads: int = 1,
    directed: DirectedLabels | None = None,
) -> RankedWords:
    """Rank words within several choices of them; two complementary halves cost one count.

    Args:
        values: ``[neurons, all words * occurrences]``, a word's occurrences side by side.
        occurrences: how many each word has.
        words: the choices of words to rank, each by itself, in ascending order.
        threads: how many blocks of neurons to work on at once.
        directed: work out the average precision of these labels too.
    """
    n_words = values.shape[1] // occurrences
    masks = [_mask(choice, n_words) for choice in words]
    sums = [np.empty((len(values), len(choice)), np.float32) for choice in words]
    precision = None if directed is None else np.full(directed.falls.shape, np.nan, np.float32)

    def work(rows: slice) -> None:
        counts = _Counts(values[rows], occurrences)
        for target, mask, choice in zip(sums, masks, words, strict=True):
            below, upto = counts.by_word(mask)
            # Ranks count from 0, so a value's own place is half a step below the middle of its bounds.
            ranks = (below + upto - np.float32(occurrences)) / 2  # [block, words]
            target[rows] = ranks[:, choice] - np.float32(occurrences * (occurrences * len(choice) - 1) / 2)
        if directed is not None and precision is not None:
            precision[rows] = counts.precision(directed, directed.falls[rows])

    in_blocks(len(values), values.shape[1], work, threads)
    return RankedWords(sums, precision)


def _mask(choice: NDArray[np.intp], words: int) -> NDArray[np.bool_]:
    mask = np.zeros(words, np.bool_)
    mask[choice] = True
    return mask


class _Counts:
    """A block of neurons, sorted: how many values of a choice of words lie below others."""

    def __init__(self, values: NDArray[np.float32], occurrences: int) -> None:
        self._occurrences = occurrences
        self._order, first, last = sorted_bounds(values)  # [block, samples]
        self._shape = len(self._order), self._order.shape[1] + 1
        row = (np.arange(self._shape[0]) * self._shape[1])[:, None]
        # From here on places in a flattened [block, samples + 1].
        self._first = first + row
        self._last = self._first + 1 if last is first else last + (row + 1)
        self._known: dict[bytes, tuple[NDArray[np.float32], NDArray[np.float32]]] = {}

    def by_word(self, mask: NDArray[np.bool_]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """How many values of the mask's words are below, and at or below, each word's values: ``[block, words]``."""
        key, others = mask.tobytes(), (~mask).tobytes()
        if key not in self._known:
            if others in self._known:
                everything = self.by_word(np.ones_like(mask))
                self._known[key] = (
                    everything[0] - self._known[others][0],
                    everything[1] - self._known[others][1],
                )
            else:
                before = self._before(mask)
                self._known[key] = self._summed(before, self._first), self._summed(before, self._last)
        return self._known[key]

    def precision(self, directed: DirectedLabels, falls: NDArray[np.bool_]) -> NDArray[np.float32]:
        """Average precision of labelled words among those that count, ``[block, categories]``."""
        mask = _mask(directed.words, (self._shape[1] - 1) // self._occurrences)
        before = self._before(mask)
        total = len(directed.words) * self._occurrences
        precision = np.full(falls.shape, np.nan, np.float32)
        for category in np.flatnonzero(directed.members.any(axis=0)).tolist():
            positives = self._samples(directed.words[directed.members[:, category]])
            below = np.take(before, self._first[:, positives], mode="clip")
            upto = np.take(before, self._last[:, positives], mode="clip")
            lower = np.where(falls[:, category, None], total - upto, below)
            precision[:, category] = precision_of(lower.astype(np.intp), total)
        return precision

    def _samples(self, words: NDArray[np.intp]) -> NDArray[np.intp]:
        return (words[:, None] * self._occurrences + np.arange(self._occurrences)).ravel()

    def _before(self, mask: NDArray[np.bool_]) -> NDArray[np.float32]:
        """How many values of the mask's words stand before each place: ``[block, samples + 1]``."""
        # float32 is exact here, and its sums by matrix products are ten times faster than integer ones.
        if mask.all():
            return np.broadcast_to(np.arange(self._shape[1], dtype=np.float32), self._shape)
        before = np.zeros(self._shape, np.float32)
        theirs = np.take(np.repeat(mask, self._occurrences), self._order, mode="clip")  # [block, samples]
        np.cumsum(theirs, axis=1, dtype=np.float32, out=before[:, 1:])
        return before

    def _summed(self, before: NDArray[np.float32], places: NDArray[np.intp]) -> NDArray[np.float32]:
        """Sums over each word's values of what stands before their places: ``[block, words]``."""
        shape = len(places), -1, self._occurrences
        return np.take(before, places, mode="clip").reshape(shape) @ np.ones(self._occurrences, np.float32)
