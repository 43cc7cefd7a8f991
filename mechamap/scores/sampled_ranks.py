"""AUROC and average precision of sampled occurrences, with standard errors.

With F_P and F_R the shares of P and of R that are at least as high, and pi the share of occurrences in the corpus, the
precision at x is pi F_P(x) / D(x) with D = pi F_P + (1 - pi) F_R. The average precision is its mean over P. By the
delta method, its variance is that of its influence function (Hampel, 1974), over P and over R:

* a position r of R takes from each occurrence at or below it: IF(r) = -mean over P of c(o) [o <= r] + const, where
  c = pi (1 - pi) F_P / D^2;
* an occurrence x has a precision of its own, and adds to those at or below it: IF(x) = precision(x) + mean over P of
  e(o) [o <= x] + const, where e = pi (1 - pi) F_R / D^2.

Both sums rise along P only, so that neither needs a look at R itself.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mechamap.scores.sampled_counts import Counts

__all__ = ["auroc_of", "precision_of"]

Floats = NDArray[np.float64]


def auroc_of(counts: Counts) -> tuple[Floats, Floats]:
    """AUROC, ties counting half, and its standard error (DeLong et al., 1988), ``[neurons]`` each."""
    n, rest = counts.below.shape[1], counts.rest
    won = (counts.below + counts.upto).astype(np.float64) / 2  # [neurons, n], of R
    auroc = won.sum(axis=1) / (n * rest)  # the sum is exact, and so is 1/2
    if n < 2 or rest < 2:
        return auroc, np.full(len(auroc), np.nan)
    # A position of R lies above L occurrences, and above or level with U: it loses (L + U) / 2. The square of that is
    # L^2 / 2 + U^2 / 2 - (U - L)^2 / 4, and a sum of L^2 over R is a sum over P of (2 k + 1) times what lies above.
    weights = 2.0 * np.arange(n) + 1.0
    squares = rest * float(n) ** 2 - won @ weights
    level = counts.upto - counts.below
    if level.any():
        level *= counts.last - counts.first + 1
        squares -= level.sum(axis=1) / 4
    of_rest = (squares / rest - (n * (1 - auroc)) ** 2) / n**2
    return auroc, np.sqrt(_variance(won) / rest**2 / n + of_rest.clip(0) / (rest - 1))


def precision_of(counts: Counts, share: float, falls: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """Average precision at the corpus' rates, and its standard error, ``[neurons]`` each.

    Args:
        counts: where the occurrences stand.
        share: of P among P and R in the corpus, above 0 and below 1.
        falls: ``[neurons]``, where low values are to be the category's.
    """
    n, rest = counts.below.shape[1], counts.rest
    turned = falls[:, None]
    of_p = np.where(turned, counts.last + 1, n - counts.first) * (share / n)  # pi F_P, in the neuron's direction
    of_r = np.where(turned, counts.upto, rest - counts.below) * ((1 - share) / rest)
    everything = of_p + of_r  # D
    precision = of_p / everything
    ap = precision.sum(axis=1) / n
    if n < 2 or rest < 2:
        return ap, np.full(len(ap), np.nan)
    everything *= everything
    of_p /= everything
    of_p *= (1 - share) / n  # c / n
    added = of_r / everything
    added *= share / n  # e / n
    of_r /= 1 - share  # F_R
    taken = _rising(of_p, turned)
    mean = np.vecdot(of_p, of_r)
    taken *= 2
    taken -= of_p
    taken *= of_p
    of_rest = np.vecdot(taken, of_r) - mean**2  # the square is constant between one of P and the next
    added = _rising(added, turned)
    if counts.first is not counts.last:
        added = np.take_along_axis(added, np.where(turned, counts.first, counts.last), axis=1)
    precision += added
    return ap, np.sqrt(_variance(precision) / n + of_rest.clip(0) / (rest - 1))


def _rising(values: Floats, falls: NDArray[np.bool_]) -> Floats:
    """Sums of each row up to each element, or from it on where the row's neuron ``falls``."""
    sums = np.cumsum(values, axis=1)
    np.subtract(sums[:, -1:] + values, sums, out=sums, where=falls)
    return sums


def _variance(values: Floats) -> Floats:
    """Along the last dimension, as of a sample; overwrites the values."""
    values -= values.mean(axis=-1, keepdims=True)
    squares: Floats = np.vecdot(values, values)
    squares /= values.shape[-1] - 1
    return squares
