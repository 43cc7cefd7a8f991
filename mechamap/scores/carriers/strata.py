"""p of a reading when labels are shuffled among words that are alike in all but meaning.

Words fall into strata by their features (:func:`mechamap.words.matching.strata`). The sum of the ranks of a
category's words is compared with what shuffles within the strata give: its mean and variance are those of drawing, in
each stratum, as many words without replacement as the category has there, so a neuron that reads a feature alone
stands out no more than chance lets it (a stratified rank test, van Elteren, 1960). The largest value over all neurons
and categories is kept of every shuffle, as in :mod:`mechamap.scores.carriers.null`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mechamap.scores.carriers.max_t import SearchMaxima

__all__ = ["StratifiedLabels"]


_ROWS = 384  # neurons at a time: their sums under all shuffles stay in the cache until the largest is found
_ALIKE = 1e-9  # a variance below this share of the largest possible one is that of equal values


class StratifiedLabels:
    """The null of labelled words in strata, taken over all layers that are added.

    Args:
        members: ``[words, categories]``, which word is in which category; other words are in none.
        strata: ``[words]``, numbered from 0.
        permutations: how often the labels are shuffled within the strata.
        seed: of the shuffling.

    Attributes:
        defined: ``[categories]``, whether some stratum holds words inside and outside the category.
    """

    def __init__(self, members: NDArray[np.bool_], strata: NDArray[np.intp], permutations: int, seed: int) -> None:
        words, categories = members.shape
        of_stratum = np.zeros((words, int(strata.max(initial=-1)) + 1), np.float32)
        of_stratum[np.arange(words), strata] = 1
        size = of_stratum.sum(axis=0)  # [strata]
        inside = of_stratum.T @ members.astype(np.float32)  # [strata, categories]
        self._mean_of = of_stratum / size  # [words, strata]
        self._expected = of_stratum @ (inside / size[:, None])  # [words, categories], weights of the words' ranks
        drawn = inside * (size[:, None] - inside) / np.maximum(size[:, None] - 1, 1)
        self._drawn = drawn.astype(np.float32)  # [strata, categories]
        self.defined: NDArray[np.bool_] = (inside * (size[:, None] - inside)).sum(axis=0) > 0
        rng = np.random.default_rng(seed)
        shuffled = [members[_within(strata, rng)] for _ in range(permutations)]
        labels = np.stack([members, *shuffled], axis=1).astype(np.float32)  # [words, 1 + permutations, categories]
        self._labels = labels.reshape(words, -1)
        self._largest = np.zeros((permutations, categories))

    def add(self, ranks: NDArray[np.float32]) -> NDArray[np.float32]:
        """Add the neurons of another layer to the search.

        Args:
            ranks: ``[neurons, words]``, each word's sum of ranks less its expectation.

        Returns:
            The rank sum of each category's words less its mean over shuffles, in their standard deviations,
            ``[neurons, categories]``; NaN for a category that no stratum compares with other words.
        """
        permutations, categories = self._largest.shape
        reached = np.empty((len(ranks), categories), np.float32)
        for first in range(0, len(ranks), _ROWS):
            rows = slice(first, first + _ROWS)
            block = ranks[rows]
            variance = np.maximum((block**2) @ self._mean_of - (block @ self._mean_of) ** 2, 0)  # [block, strata]
            spread = variance @ self._drawn  # [block, categories]
            varies = spread > _ALIKE * np.square(block).sum(axis=1, keepdims=True)
            scale = np.where(varies, 1 / np.sqrt(np.where(varies, spread, 1)), 0)
            sums = (block @ self._labels).reshape(-1, 1 + permutations, categories)
            sums -= (block @ self._expected)[:, None]
            sums *= scale[:, None]
            reached[rows] = sums[:, 0]
            extreme = np.maximum(sums[:, 1:].max(axis=0), -sums[:, 1:].min(axis=0))  # [permutations, categories]
            self._largest = np.fmax(self._largest, extreme)
        reached[:, ~self.defined] = np.nan
        return reached

    def maxima(self) -> SearchMaxima:
        """The largest value of each shuffle over all neurons and categories so far."""
        largest = self._largest[:, self.defined]
        return SearchMaxima(largest.max(axis=1) if largest.shape[1] else np.zeros(len(largest)))

    def p(self, reached: NDArray[np.float32]) -> NDArray[np.float32]:
        """p of what :meth:`add` returned, of all layers, ``[neurons, categories]``."""
        return self.maxima().p(np.abs(reached))


def _within(strata: NDArray[np.intp], rng: np.random.Generator) -> NDArray[np.intp]:
    """A random order of the words that leaves each stratum's places to its own words."""
    shuffled = rng.permutation(len(strata))
    order: NDArray[np.intp] = np.empty(len(strata), np.intp)
    order[np.argsort(strata, kind="stable")] = shuffled[np.argsort(strata[shuffled], kind="stable")]
    return order
