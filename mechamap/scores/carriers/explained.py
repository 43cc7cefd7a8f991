"""What a feature of words alone gives a neuron: the part of a reading that is there without the meaning.

The difference between a category's words and all others is parted as Oaxaca and Blinder part a difference of wages:
what the *other* words would give if they had the feature as the category's words have it is the part that the feature
explains. A neuron that fires on capital letters gives capitalised words of no category as much as Monday.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["FeatureShares", "feature_auroc"]


class FeatureShares:
    """The shares of readings that features explain.

    Args:
        members: ``[words, categories]``.
        levels: of each feature, ``[words]``, its level at every word, numbered from 0.
    """

    def __init__(self, members: NDArray[np.bool_], levels: Sequence[NDArray[np.intp]]) -> None:
        outside = ~members
        self._inside = _shares(members)  # [words, categories]
        self._outside = _shares(outside)
        self._alike = [self._standardised(members, outside, level) for level in levels]

    def _standardised(
        self, members: NDArray[np.bool_], outside: NDArray[np.bool_], levels: NDArray[np.intp]
    ) -> NDArray[np.float32]:
        """Weights of the other words with which they have the feature as the category's words do."""
        weights = np.zeros(members.shape, np.float32)
        for category in range(members.shape[1]):
            inside, others = members[:, category], outside[:, category]
            for level in np.unique(levels[inside]).tolist():
                here = others & (levels == level)
                share = np.float32((inside & (levels == level)).sum() / inside.sum())
                if here.any():
                    weights[here, category] += share / here.sum()
                else:  # no other word is like these: the feature is taken to say nothing of them
                    weights[:, category] += share * self._outside[:, category]
        return weights

    def of(self, ranks: NDArray[np.float32]) -> NDArray[np.float32]:
        """The share of each neuron's reading that each feature explains.

        Args:
            ranks: ``[neurons, words]``, each word's sum of ranks.

        Returns:
            ``[features, neurons, categories]``; NaN where there is no difference to explain.
        """
        outside = ranks @ self._outside
        difference = ranks @ self._inside - outside
        with np.errstate(divide="ignore", invalid="ignore"):
            shares = [(ranks @ alike - outside) / difference for alike in self._alike]
        stacked: NDArray[np.float32] = np.stack(shares).astype(np.float32)
        stacked[:, ~np.isfinite(difference) | (difference == 0)] = np.nan
        return stacked


def _shares(chosen: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Weights of a mean over the chosen words, ``[words, categories]``."""
    weights: NDArray[np.float32] = (chosen / np.maximum(chosen.sum(axis=0), 1)).astype(np.float32)
    return weights


def feature_auroc(levels: NDArray[np.intp], members: NDArray[np.bool_]) -> float:
    """How well a feature alone tells members from other words: AUROC of the share of members among all *other* words of
    the same level, as a word does not speak for itself. Words of one level are alike.

    Args:
        levels: ``[words]``.
        members: ``[words]``.
    """
    if members.all() or not members.any():
        return float("nan")
    size, inside = np.bincount(levels), np.bincount(levels, members)
    others = size[levels] - 1
    score = np.where(others > 0, (inside[levels] - members) / np.maximum(others, 1), members.mean())
    pairs = score[members][:, None] - score[~members]
    pairs[levels[members][:, None] == levels[~members]] = 0
    return float(((pairs > 0) + 0.5 * (pairs == 0)).mean())
