"""The category that each neuron reads most, by selectivity: what filters and tables call ``best``."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["strongest_category"]


_AT_ONCE = 1 << 16  # neurons, so that a block stays in the processor's cache


def strongest_category(selectivity: NDArray[np.floating]) -> NDArray[np.int16]:
    """The place of each row's largest absolute value, the first of equal ones; -1 where all are NaN.

    Args:
        selectivity: ``[neurons, categories]``.

    Returns:
        ``[neurons]``.
    """
    neurons, categories = selectivity.shape
    places = np.full(neurons, -1, np.int16)
    for first in range(0, neurons, _AT_ONCE):
        block = np.abs(selectivity[first : first + _AT_ONCE])  # [rows, categories]
        largest = np.full(len(block), -1, block.dtype)
        chosen = places[first : first + _AT_ONCE]  # written in place
        for category in range(categories):
            column = block[:, category]
            larger = column > largest  # never where it is NaN
            np.copyto(largest, column, where=larger)
            chosen[larger] = category
    return places
