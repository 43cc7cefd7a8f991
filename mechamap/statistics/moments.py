"""Power sums of each neuron's activations, and the mean, deviation, skew and kurtosis that follow from them."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mechamap.statistics.batch import LayerBatch

__all__ = ["Moments"]


CHUNK_VALUES = 1 << 20  # converted to float64 at once


class Moments:
    """How many activations, and the sums of their first four powers.

    Attributes:
        count: ``[neurons]`` int64.
        sums: ``[4, neurons]`` float64, of x, x^2, x^3, x^4. Not finite once an activation was not finite; nothing that
            a float32 holds overflows them.
    """

    def __init__(self, count: Tensor, sums: Tensor) -> None:
        self.count = count
        self.sums = sums

    @classmethod
    def empty(cls, neurons: int, device: torch.device) -> Moments:
        return cls(
            torch.zeros(neurons, dtype=torch.int64, device=device),
            torch.zeros(4, neurons, dtype=torch.float64, device=device),
        )

    def part(self, rows: slice) -> Moments:
        """Of some neurons; adding to it adds to this."""
        return Moments(self.count[rows], self.sums[:, rows])

    def add(self, batch: LayerBatch) -> None:
        self.count += batch.positions
        rows = max(CHUNK_VALUES // max(batch.values.shape[1], 1), 1)
        for chunk in torch.split(batch.values, rows):
            values = chunk.double()
            power = values
            for order in range(4):
                self.sums[order] += power.sum(dim=0)
                power = power * values

    def merge(self, other: Moments) -> None:
        self.count += other.count.to(self.count.device)
        self.sums += other.sums.to(self.sums.device)

    @property
    def not_finite(self) -> NDArray[np.bool_]:
        """``[neurons]``, which had an activation that was NaN or infinite."""
        finite: NDArray[np.bool_] = torch.isfinite(self.sums).all(dim=0).cpu().numpy()
        return ~finite

    def arrays(self) -> dict[str, NDArray[Any]]:
        sums = self.sums.cpu().numpy().copy()
        sums[:, self.not_finite] = np.nan  # infinite or NaN depended on the order
        return {"count": self.count.cpu().numpy().copy(), "sums": sums}

    @classmethod
    def from_arrays(cls, arrays: dict[str, NDArray[Any]], device: torch.device) -> Moments:
        return cls(
            torch.tensor(arrays["count"], dtype=torch.int64, device=device),
            torch.tensor(arrays["sums"], dtype=torch.float64, device=device),
        )

    def mean(self) -> NDArray[np.float64]:
        """``[neurons]``; NaN without activations, and where they are not finite."""
        return np.asarray(self._raw()[0], np.float64)

    def std(self) -> NDArray[np.float64]:
        """``[neurons]``, the standard deviation over all positions (divided by their number); NaN as the mean."""
        return np.asarray(np.sqrt(self._central()[0]), np.float64)

    def skew(self) -> NDArray[np.float64]:
        """``[neurons]``, g1 = m3 / m2^(3/2) of the central moments (Joanes and Gill, "Comparing measures of sample
        skewness and kurtosis", The Statistician 47, 1998); NaN where nothing varies."""
        m2, m3, _ = self._central()
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(np.where(m2 > 0, m3 / m2**1.5, np.nan), np.float64)

    def kurtosis(self) -> NDArray[np.float64]:
        """``[neurons]``, excess kurtosis g2 = m4 / m2^2 - 3 (Joanes and Gill, 1998); NaN where nothing varies."""
        m2, _, m4 = self._central()
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(np.where(m2 > 0, m4 / m2**2 - 3, np.nan), np.float64)

    def _raw(self) -> NDArray[np.float64]:
        """Means of the powers, ``[4, neurons]``."""
        arrays = self.arrays()
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(arrays["sums"] / arrays["count"], np.float64)

    def _central(self) -> NDArray[np.float64]:
        """Central moments of order two to four, ``[3, neurons]``.

        Binomial expansion of E (x - mean)^k. A deviation below a ten-millionth of the mean is rounding, so it is 0:
        with sums of 2^-53 relative error, E x^2 - mean^2 has no digit left there.
        """
        mean, square, cube, fourth = self._raw()
        m2 = square - mean**2
        m2 = np.where(m2 < 1e-14 * square, 0.0, m2)
        m3 = cube - 3 * mean * square + 2 * mean**3
        m4 = fourth - 4 * mean * cube + 6 * mean**2 * square - 3 * mean**4
        return np.stack([m2, m3, m4])
