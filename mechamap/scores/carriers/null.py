"""The chance that shuffled word labels score as high anywhere in the model: p values corrected for the search.

The AUROC of any labelling is a sum of ranks over its words, so all permutations together are one matrix product over
ranks. Whole words are shuffled, each with all its occurrences. The largest value over all
neurons *and* categories is kept of every permutation (the max-T procedure of Westfall & Young, 1993), so that in
one model of twenty a search finds anything false at p < 0.05.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mechamap.scores.carriers.max_t import SearchMaxima

__all__ = ["ShuffledLabels"]


_ROWS = 384  # neurons at a time: their sums under all permutations stay in the cache until the largest is found


class ShuffledLabels:
    """The null of a set of labelled words, taken over all layers that are added.

    Args:
        members: ``[words, categories]``, which word is in which category; other words are in none.
        occurrences: how many values there are for each word.
        permutations: how often the labels are shuffled.
        seed: of the shuffling.
    """

    def __init__(self, members: NDArray[np.bool_], occurrences: int, permutations: int, seed: int) -> None:
        words, categories = members.shape
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

    def add(self, ranks: NDArray[np.float32]) -> NDArray[np.float32]:
        """Add the neurons of another layer to the search.

        Args:
            ranks: ``[neurons, words]``, each word's sum of ranks less its expectation, see
                :func:`mechamap.scores.carriers.word_ranks.word_ranks`.

        Returns:
            AUROC - 1/2 of the true labels, ``[neurons, categories]``; NaN for a category of no or of all words.
        """
        permutations, categories = self._largest.shape
        aurocs = np.empty((len(ranks), categories), np.float32)
        for first in range(0, len(ranks), _ROWS):
            rows = slice(first, first + _ROWS)
            sums = (ranks[rows] @ self._labels).reshape(-1, 1 + permutations, categories)
            aurocs[rows] = sums[:, 0] * self._per_pair
            extreme = np.maximum(sums[:, 1:].max(axis=0), -sums[:, 1:].min(axis=0))  # [permutations, categories]
            self._largest = np.fmax(self._largest, extreme * self._per_pair)
        aurocs[:, ~self.defined] = np.nan
        return aurocs

    def maxima(self) -> SearchMaxima:
        """The largest value of each permutation, in units of scatter."""
        scaled = (self._largest / self._scatter)[:, self.defined]
        return SearchMaxima(scaled.max(axis=1) if scaled.shape[1] else np.zeros(len(scaled)))

    def p(self, aurocs: NDArray[np.float32]) -> NDArray[np.float32]:
        """The share of labellings, the true one among them, that score as high somewhere in the model.

        Args:
            aurocs: what :meth:`add` returned, of all layers, ``[neurons, categories]``.
        """
        return self.maxima().p(np.abs(aurocs) / self._scatter)

    def auroc_at(self, p: float) -> NDArray[np.float64]:
        """The AUROC of each category at which p is reached, ``[categories]``; above 1: out of reach."""
        reached: NDArray[np.float64] = np.full(len(self._scatter), np.inf)
        reached[self.defined] = 0.5 + self.maxima().value_at(p) * self._scatter[self.defined]
        return reached

    def typical_auroc(self) -> dict[str, float]:
        """The best AUROC that shuffled labels reach anywhere, for a category of the usual size: median and largest."""
        largest = self.maxima().largest
        if not (len(largest) and self.defined.any()):
            return {}
        scatter = float(np.median(self._scatter[self.defined]))
        return {"median": 0.5 + scatter * float(np.median(largest)), "largest": 0.5 + scatter * float(largest[-1])}
