"""How well one number separates two groups: by the best threshold of one half, judged on the other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Separation", "separation"]


@dataclass(frozen=True, slots=True)
class Separation:
    """F1 and AUROC on the half that did not choose the threshold, and how many of each group are in that half."""

    f1: float
    auroc: float
    positives: int
    negatives: int


def separation(values: NDArray[np.float32], positive: NDArray[np.bool_], second_half: NDArray[np.bool_]) -> Separation:
    """A threshold with the largest F1 in the first half, judged in the second; high values are positive.

    Args:
        values: ``[samples]``.
        positive: ``[samples]``.
        second_half: ``[samples]``.
    """
    first = ~second_half
    candidates = np.unique(values[first])
    cuts = np.concatenate([[-np.inf], (candidates[1:] + candidates[:-1]) / 2])
    chosen = max(cuts, key=lambda cut: _f1(values[first] > cut, positive[first]))
    judged, truth = values[second_half], positive[second_half]
    above, below = judged[truth], judged[~truth]
    differences = above[:, None] - below[None, :]  # [positives, negatives]
    auroc = float(((differences > 0) + 0.5 * (differences == 0)).mean()) if differences.size else float("nan")
    return Separation(_f1(judged > chosen, truth), auroc, len(above), len(below))


def _f1(said: NDArray[np.bool_], truth: NDArray[np.bool_]) -> float:
    right = float((said & truth).sum())
    return 2 * right / max(float(said.sum() + truth.sum()), 1.0)
