"""Small p from few permutations: a generalised Pareto tail fitted to the largest values of the shuffled labels.

Counting permutations cannot say less than 1 / (1 + permutations). The values beyond a high threshold follow a
generalised Pareto distribution (Pickands, 1975), so it is fitted to the largest quarter of them, or to fewer where it
does not fit so many, and gives the p of what lies further out (Knijnenburg et al., 2009, Bioinformatics 25, i161). Two
things are stricter than there. The shape is never negative: a tail with an end gives p = 0 beyond it, and where it ends
is a guess with fifty values, so that p below 0.001 would come up three times as often as it should. And what nine
shuffles or more reach keeps its counted p, so that counting alone decides which values lie below 0.05.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["LEAST_VALUES", "POOR_FIT", "ParetoTail", "fitted_tail"]


LEAST_VALUES = 100  # with fewer there is too little to fit a tail to
_COUNTED = 9  # what as many values reach is counted
_DECIDED = 0.05  # and so is what decides whether p is below this
_SIMULATED = 200  # samples that the fit is compared with
POOR_FIT = 0.05  # below this p of its goodness of fit a tail is not extrapolated from


@dataclass(frozen=True, slots=True)
class ParetoTail:
    """The upper tail of a sample.

    Attributes:
        values: the sample, sorted.
        threshold: where the tail begins.
        exceedances: how many values lie beyond.
        shape, scale: of the generalised Pareto distribution of what lies beyond; 0: exponential.
        fit: p of its goodness of fit (Anderson and Darling's statistic, against samples of the distribution itself).
    """

    values: NDArray[np.float64]
    threshold: float
    exceedances: int
    shape: float
    scale: float
    fit: float

    @property
    def fits(self) -> bool:
        """Whether the fit is good enough to extrapolate from."""
        return self.fit >= POOR_FIT

    def summary(self) -> dict[str, float]:
        """What a run's record keeps of it."""
        return {"exceedances": self.exceedances, "shape": self.shape, "scale": self.scale, "fit": self.fit}

    def p(self, reached: NDArray[np.floating]) -> NDArray[np.float64]:
        """The share of values, one more counted among them, that would be as large; of any shape."""
        n = 1 + len(self.values)
        beyond = np.maximum(reached - self.threshold, 0)
        extrapolated = (1 + self.exceedances) / n * _survival(beyond, self.shape, self.scale)
        return np.minimum(extrapolated, (1 + self.counted) / n)

    @property
    def counted(self) -> int:
        """What as many values reach has a p that is counted."""
        return min(_COUNTED, int(_DECIDED * (1 + len(self.values)) - 1e-9) - 1)


def fitted_tail(values: NDArray[np.float64], seed: int = 0) -> ParetoTail | None:
    """The tail of a sorted sample; None where it is too small, or all its largest values are the same.

    It is fitted to the largest quarter, where that fits badly to a fifth, 3/20 or a tenth; where none of them fits, the
    result is that of the quarter. The parameters are those of probability-weighted moments (Hosking & Wallis, 1987), of
    the exponential distribution where they give a negative shape.
    """
    if len(values) < LEAST_VALUES:
        return None
    tails = (_fitted(values, len(values) * twentieths // 20, seed) for twentieths in (5, 4, 3, 2))
    first = next(tails)
    if first is None or first.fits:
        return first
    return next((tail for tail in tails if tail is not None and tail.fits), first)


def _fitted(values: NDArray[np.float64], number: int, seed: int) -> ParetoTail | None:
    """The tail of so many of the largest values."""
    threshold = float(values[-number] + values[-number - 1]) / 2
    beyond = values[-number:] - threshold
    if not beyond[-1] > beyond[0]:
        return None
    shape, scale = (float(each[0]) for each in _parameters(beyond[None]))
    rng = np.random.default_rng(seed)
    simulated = np.sort(_drawn(rng, shape, scale, (_SIMULATED, number)), axis=1)
    distances = _distance(simulated, *_parameters(simulated))
    distance = float(_distance(beyond[None], np.array([shape]), np.array([scale]))[0])
    fit = (1 + int((distances >= distance).sum())) / (1 + _SIMULATED)
    return ParetoTail(values, threshold, number, shape, scale, fit)


def _parameters(beyond: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Shape and scale of each sorted sample, ``[samples]`` each."""
    n = beyond.shape[1]
    mean = beyond.mean(axis=1)
    weighted = (beyond * (1 - (np.arange(1, n + 1) - 0.35) / n)).mean(axis=1)
    shape = 2 - mean / (mean - 2 * weighted)
    return np.maximum(shape, 0), np.where(shape > 0, mean * (1 - shape), mean)


def _survival(beyond: NDArray[np.floating], shape: float, scale: float) -> NDArray[np.float64]:
    if shape < 1e-9:
        return np.asarray(np.exp(-beyond / scale), np.float64)
    return np.asarray((1 + shape * beyond / scale) ** (-1 / shape), np.float64)


def _drawn(rng: np.random.Generator, shape: float, scale: float, size: tuple[int, int]) -> NDArray[np.float64]:
    exponential = rng.exponential(size=size)
    return scale * exponential if shape < 1e-9 else scale * np.expm1(shape * exponential) / shape


def _distance(
    beyond: NDArray[np.float64], shape: NDArray[np.float64], scale: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Anderson and Darling's statistic of each sorted sample, ``[samples]``, under its own parameters."""
    n = beyond.shape[1]
    shape, scale = shape[:, None], scale[:, None]
    safe = np.maximum(shape, 1e-9)
    log_above = np.where(shape < 1e-9, -beyond / scale, -np.log1p(safe * beyond / scale) / safe)  # log survival
    log_below = np.log(np.maximum(-np.expm1(log_above), 1e-300))
    weights = 2 * np.arange(1, n + 1) - 1
    statistic: NDArray[np.float64] = -n - (weights * (log_below + log_above[:, ::-1])).sum(axis=1) / n
    return statistic
