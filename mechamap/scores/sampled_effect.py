"""Cohen's d of sampled occurrences, pooled at the corpus' rates, with its standard error.

The standard error is that of the delta method with the sample's own third and fourth moments. Where P and R are normal
with one variance, and sampled at their rates, it is that of Hedges and Olkin (1985): the root of
1 / n_p + 1 / n_r + d^2 / (2 (n_p + n_r)). Activations are not: a neuron that reads a category varies much more at its
words than elsewhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

__all__ = ["effect_of"]

Floats = NDArray[np.float64]


def effect_of(
    values: NDArray[np.float32],
    columns: Sequence[tuple[slice, slice]],
    rest: slice,
    totals: NDArray[np.int64],
) -> tuple[Floats, Floats]:
    """Cohen's d (1988), (mean of P - mean of R) / pooled standard deviation, and its standard error.

    Args:
        values: ``[neurons, columns]``.
        columns: of each category, those of P, and those of the sample of all positions that are not in R.
        rest: the columns of that sample.
        totals: ``[categories, 2]``, how many P and R there are in the corpus.

    Returns:
        ``[neurons, categories]`` each; NaN where nothing varies, the standard error also where P or R is one value.
    """
    everything = values[:, rest]
    centre = everything.mean(axis=1, keepdims=True)  # about which powers are summed, so that they keep their digits
    of_all = _powers(everything, centre)[:, :, None]
    sums = np.empty((2, 4, len(values), len(columns)))  # of P and R
    sizes = np.empty((2, len(columns)))
    for number, (occurrences, inside) in enumerate(columns):
        sums[0, :, :, number] = _powers(values[:, occurrences], centre)
        sums[1, :, :, number] = _powers(values[:, inside], centre)
        sizes[:, number] = occurrences.stop - occurrences.start, everything.shape[1] - (inside.stop - inside.start)
    sums[1] = of_all - sums[1]
    p, r = (_Moments.of(each, size) for each, size in zip(sums, sizes, strict=True))
    share_p, share_r = ((totals - 1) / np.maximum(totals.sum(axis=1, keepdims=True) - 2, 1)).T
    variance = share_p * p.sampled_variance + share_r * r.sampled_variance
    deviation = np.sqrt(variance)
    d = np.where(variance > 0, (p.mean - r.mean) / deviation, np.nan)
    halves = d / 2 / variance  # what the effect loses for what the pooled variance gains
    of_p = p.variance_of_influence(1 / deviation, -halves * share_p)
    of_r = r.variance_of_influence(-1 / deviation, -halves * share_r)
    return d, np.sqrt(of_p + of_r)


class _Moments(NamedTuple):
    """Mean and central moments of samples, ``[neurons, categories]`` each."""

    mean: Floats
    second: Floats
    third: Floats
    fourth: Floats
    size: Floats  # [categories] how many values each has

    @classmethod
    def of(cls, sums: Floats, size: Floats) -> Self:
        """Of the sums of first to fourth powers, ``[4, neurons, categories]``."""
        m, second, third, fourth = sums / size
        square = m**2
        return cls(
            m,
            (second - square).clip(0),
            third - m * (3 * second - 2 * square),
            fourth - m * (4 * third - 6 * m * second + 3 * m * square),
            size,
        )

    @property
    def sampled_variance(self) -> Floats:
        """The estimate for what was sampled from; 0 for a single value."""
        return self.second * (self.size / np.maximum(self.size - 1, 1))

    def variance_of_influence(self, slope: Floats, bend: Floats) -> Floats:
        """Of the mean of slope (x - mean) + bend ((x - mean)^2 - second); NaN for a single value."""
        fourth = (self.fourth - self.second**2).clip(0)
        influence = slope**2 * self.second + 2 * slope * bend * self.third + bend**2 * fourth
        variance: Floats = influence.clip(0) / np.where(self.size > 1, self.size - 1, np.nan)
        return variance


def _powers(values: NDArray[np.float32], centre: NDArray[np.float32]) -> Floats:
    """Sums of first to fourth powers of each row of ``[neurons, n]`` about ``centre``, ``[4, neurons]``."""
    exact = np.subtract(values, centre, dtype=np.float64)
    squares = np.square(exact)
    return np.stack([exact.sum(axis=1), squares.sum(axis=1), np.vecdot(squares, exact), np.vecdot(squares, squares)])
