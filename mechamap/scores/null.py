"""The chance that shuffled word labels score as high anywhere in the model: p values corrected for the search.

Values are ranked once; the AUROC of any labelling is then a sum of ranks over its words, so all permutations together
are one matrix product over ranks. Whole words are shuffled, each with all its occurrences. The largest value over all
neurons *and* categories is kept of every permutation (the max-T procedure of Westfall & Young, 1993), so that in
one model of twenty a search finds anything false at p < 0.05.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mechamap.scores.blocks import in_blocks
from mechamap.scores.ranks import sorted_bounds
from mechamap.scores.tail import ParetoTail, fitted_tail

__all__ = ["ShuffledLabels", "word_ranks"]


_ROWS = 384  # neurons at a time: their sums under all permutations stay in the cache until the largest is found


def word_ranks(
    values: NDArray[np.float32], occurrences: int, words: Sequence[NDArray[np.intp]], threads: int = 1
) -> list[NDArray[np.float32]]:
    """The sum of each word's ranks within a choice of words, less its expectation by chance.

    All values are sorted once. The number of a choice's values below a value is the number of them before it in that
    order; all others below it belong to the other words, so two complementary halves cost one count.

    Args:
        values: ``[neurons, all words * occurrences]``, a word's occurrences side by side.
        occurrences: how many each word has.
        words: the choices of words to rank, each by itself.

    Returns:
        For each choice ``[neurons, its words]``.
    """
    n_words = values.shape[1] // occurrences
    masks = np.zeros((len(words), n_words), np.bool_)
    for mask, choice in zip(masks, words, strict=True):
        mask[choice] = True
    sums = [np.empty((len(values), len(choice)), np.float32) for choice in words]

    def work(rows: slice) -> None:
        order, first, last = sorted_bounds(values[rows])  # [block, samples]
        shape = len(order), order.shape[1] + 1
        row = (np.arange(shape[0]) * shape[1])[:, None]
        first += row  # from here on places in a flattened [block, samples + 1]
        last = first + 1 if last is first else last + (row + 1)
        # float32 is exact here, and its sums by matrix products are ten times faster than integer ones.
        before = np.broadcast_to(np.arange(shape[1], dtype=np.float32), shape)
        below_all, upto_all = _by_word(before, first, last, occurrences)
        counted: dict[bytes, tuple[NDArray[np.float32], NDArray[np.float32]]] = {}
        for target, mask, choice in zip(sums, masks, words, strict=True):
            if mask.all():
                below, upto = below_all, upto_all
            elif (~mask).tobytes() in counted:
                others_below, others_upto = counted[(~mask).tobytes()]
                below, upto = below_all - others_below, upto_all - others_upto
            else:
                before = np.zeros(shape, np.float32)  # how many of the mask's stand before each place
                theirs = np.take(np.repeat(mask, occurrences), order, mode="clip")  # [block, samples]
                np.cumsum(theirs, axis=1, dtype=np.float32, out=before[:, 1:])
                below, upto = counted[mask.tobytes()] = _by_word(before, first, last, occurrences)
            # Ranks count from 0, so a value's own place is half a step below the middle of its bounds.
            ranks = (below + upto - np.float32(occurrences)) / 2  # [block, words]
            target[rows] = ranks[:, choice] - np.float32(occurrences * (occurrences * len(choice) - 1) / 2)

    in_blocks(len(values), values.shape[1], work, threads)
    return sums


def _by_word(
    before: NDArray[np.float32], first: NDArray[np.intp], last: NDArray[np.intp], occurrences: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Of what stands before each place, how many are below, and at or below, each word's values: ``[block, words]``."""
    ones = np.ones(occurrences, np.float32)
    shape = len(first), -1, occurrences
    below, upto = (np.take(before, places, mode="clip").reshape(shape) @ ones for places in (first, last))
    return below, upto


class ShuffledLabels:
    """The null of a set of labelled words, taken over all layers that are added.

    Args:
        members: ``[words, categories]``, which word is in which category; other words are in none.
        occurrences: how many values there are for each word.
        permutations: how often the labels are shuffled.
        seed: of the shuffling.
        threads: how many blocks of neurons to work on at once.
    """

    def __init__(
        self, members: NDArray[np.bool_], occurrences: int, permutations: int, seed: int, threads: int = 1
    ) -> None:
        words, categories = members.shape
        self._occurrences, self._threads = occurrences, threads
        inside = members.sum(axis=0)  # [categories] words
        outside = words - inside
        self.defined = (inside > 0) & (outside > 0)  # [categories]
        with np.errstate(divide="ignore", invalid="ignore"):
            # U - its mean is the sum of centred ranks; over both counts of occurrences it is AUROC - 1/2.
            self._per_pair = np.where(self.defined, 1.0 / (inside * outside * occurrences**2), 0.0)
            # Categories of different sizes scatter differently by chance: all are measured in that scatter (the
            # standard deviation of the AUROC with words as units), so that the largest of them means something.
            self._scatter = np.sqrt((words + 1) / (12.0 * inside * outside))
        rng = np.random.default_rng(seed)
        shuffled = [members[rng.permutation(words)] for _ in range(permutations)]
        labels = np.stack([members, *shuffled], axis=1).astype(np.float32)  # [words, 1 + permutations, categories]
        self._labels = labels.reshape(words, -1)
        self._largest = np.zeros((permutations, categories))

    def add(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """Add the neurons of another layer to the search.

        Args:
            values: ``[neurons, words * occurrences]``, a word's occurrences side by side, finite.

        Returns:
            AUROC - 1/2 of the true labels, ``[neurons, categories]``; NaN for a category of no or of all words.
        """
        everything = np.arange(len(self._labels))
        (ranks,) = word_ranks(values, self._occurrences, [everything], self._threads)  # [neurons, words]
        permutations, categories = self._largest.shape
        aurocs = np.empty((len(values), categories), np.float32)
        for first in range(0, len(values), _ROWS):
            rows = slice(first, first + _ROWS)
            sums = (ranks[rows] @ self._labels).reshape(-1, 1 + permutations, categories)
            aurocs[rows] = sums[:, 0] * self._per_pair
            extreme = np.maximum(sums[:, 1:].max(axis=0), -sums[:, 1:].min(axis=0))  # [permutations, categories]
            self._largest = np.fmax(self._largest, extreme * self._per_pair)
        aurocs[:, ~self.defined] = np.nan
        return aurocs

    def largest(self) -> NDArray[np.float64]:
        """The largest value of each permutation, in units of scatter, sorted: ``[permutations]``."""
        scaled = (self._largest / self._scatter)[:, self.defined]
        return np.sort(scaled.max(axis=1)) if scaled.shape[1] else np.zeros(len(scaled))

    def tail(self) -> ParetoTail | None:
        """The tail of the largest values, fitted; None where there are too few permutations to fit one."""
        return fitted_tail(self.largest())

    def p(self, aurocs: NDArray[np.float32]) -> NDArray[np.float32]:
        """The share of labellings, the true one among them, that score as high somewhere in the model.

        Counted down to the share that nine shuffles reach; below, that of the fitted tail, where it fits.

        Args:
            aurocs: what :meth:`add` returned, of all layers, ``[neurons, categories]``.
        """
        largest = self.largest()
        reached = np.abs(aurocs) / self._scatter  # [neurons, categories]
        # A hair below, so that a permutation that is the true labelling counts whatever the rounding.
        as_far = len(largest) - np.searchsorted(largest, reached * (1 - 1e-6))
        p = (1 + as_far) / (1 + len(largest))
        tail = self.tail()
        if tail is not None and tail.fits:
            p = np.where(as_far < tail.counted, tail.p(reached), p)
        return np.where(np.isnan(aurocs), np.nan, p).astype(np.float32)

    def auroc_at(self, p: float) -> NDArray[np.float64]:
        """The AUROC of each category at which p is reached, ``[categories]``; above 1: out of reach."""
        largest = self.largest()
        allowed = int(p * (1 + len(largest)) - 1e-9)  # labellings that may reach as far, the true one among them
        if allowed < 1:
            return np.full(len(self._scatter), np.inf)
        needed = largest[len(largest) - allowed] if allowed <= len(largest) else 0.0
        reached: NDArray[np.float64] = np.full(len(self._scatter), np.inf)
        reached[self.defined] = 0.5 + needed * self._scatter[self.defined]
        return reached

    def typical_auroc(self) -> dict[str, float]:
        """The best AUROC that shuffled labels reach anywhere, for a category of the usual size: median and largest."""
        largest = self.largest()
        if not (len(largest) and self.defined.any()):
            return {}
        scatter = float(np.median(self._scatter[self.defined]))
        return {"median": 0.5 + scatter * float(np.median(largest)), "largest": 0.5 + scatter * float(largest[-1])}
