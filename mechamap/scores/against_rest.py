"""AUROC and average precision of a few values against many others that are sorted once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["scores_against"]


def scores_against(
    inside: NDArray[np.float32], rest: NDArray[np.float32]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """How far values stand above others, as scikit-learn scores it; ties count half, and for precision as above.

    Args:
        inside: ``[rows, n]``, finite.
        rest: ``[rows, m]``, finite, each row in rising order.

    Returns:
        AUROC and average precision, ``[rows]`` each.
    """
    rows, n = inside.shape
    m = rest.shape[1]
    auroc, precision = np.empty(rows), np.empty(rows)
    for row in range(rows):
        values = np.sort(inside[row])
        below = np.searchsorted(rest[row], values, "left")  # [n]
        upto = np.searchsorted(rest[row], values, "right")
        at_least = n - np.searchsorted(values, values, "left")  # of the values themselves
        auroc[row] = (below + upto).sum() / (2 * n * m)
        precision[row] = (at_least / (at_least + m - below)).mean()
    return auroc, precision
