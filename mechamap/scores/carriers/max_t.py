"""p of the largest value that a search meets: the max-T procedure of Westfall & Young (1993)."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mechamap.scores.carriers.tail import ParetoTail, fitted_tail

__all__ = ["SearchMaxima"]


class SearchMaxima:
    """What shuffled labels reach at most, one value for each shuffle of the whole search.

    Args:
        largest: ``[shuffles]``, in any order.
    """

    def __init__(self, largest: NDArray[np.float64]) -> None:
        self.largest = np.sort(largest)

    @cached_property
    def tail(self) -> ParetoTail | None:
        """The tail of the largest values, fitted; None where there are too few to fit one."""
        return fitted_tail(self.largest)

    def p(self, reached: NDArray[Any]) -> NDArray[np.float32]:
        """The share of labellings, the true one among them, in which the search reaches as much.

        Counted down to the share that nine shuffles reach; below, that of the fitted tail, where it fits. NaN stays.
        """
        # A hair below, so that a permutation that is the true labelling counts whatever the rounding.
        as_far = len(self.largest) - np.searchsorted(self.largest, reached * (1 - 1e-6))
        p = (1 + as_far) / (1 + len(self.largest))
        if self.tail is not None and self.tail.fits:
            p = np.where(as_far < self.tail.counted, self.tail.p(reached), p)
        return np.where(np.isnan(reached), np.nan, p).astype(np.float32)

    def value_at(self, p: float) -> float:
        """The value from which on p is that small; infinite: out of reach of so few shuffles."""
        allowed = int(p * (1 + len(self.largest)) - 1e-9)  # labellings that may reach as far, the true one among them
        if allowed < 1:
            return float("inf")
        return float(self.largest[len(self.largest) - allowed]) if allowed <= len(self.largest) else 0.0
