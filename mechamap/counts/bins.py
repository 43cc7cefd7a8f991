"""Where a column of numbers is cut into bins: at round numbers, or at quantiles, rounded."""

from __future__ import annotations

import math
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mechamap.errors import UsageError
from mechamap.figures.figure import NumberFormat
from mechamap.wording.suggest import unknown_name

__all__ = ["BINS", "CUTS", "Cut", "checked_bins", "cuts_of"]


Cut: TypeAlias = Literal["auto", "round", "quantile"]

CUTS: tuple[Cut, ...] = ("auto", "round", "quantile")
BINS = 10
_MOST_BINS = 200
_SPANS: dict[NumberFormat, tuple[float, float]] = {
    "correlation": (-1.0, 1.0),
    "probability": (0.0, 1.0),
    "share": (0.0, 1.0),
}  # of figures that have ends
_P = (0.001, 0.01, 0.05, 0.1, 0.5)  # of a p, of which the small ones matter
_MOST_DIGITS = 7  # of a float32


def checked_bins(bins: int | None, cut: str) -> Cut:
    """How numbers are to be cut.

    Raises:
        UsageError: there is no such way, or the number of bins is out of range.
    """
    if bins is not None and not 2 <= bins <= _MOST_BINS:
        raise UsageError(f"The number of bins is {bins}; it must be between 2 and {_MOST_BINS}.")
    way = next((known for known in CUTS if known == cut), None)
    if way is None:
        raise UsageError(*unknown_name("cut", cut, CUTS))
    return way


def cuts_of(
    values: NDArray[np.floating], written: NumberFormat | None, bins: int | None, cut: Cut
) -> tuple[float, ...]:
    """The numbers between two bins, ascending; the outermost bins have no ends.

    Args:
        values: none of them NaN, ``[n]``.
        written: what kind of figure they are of; None: of none.
        bins: about how many; None: as many as are usual.
        cut: ``auto`` cuts figures that have ends at round numbers, others at quantiles.
    """
    values = values[np.isfinite(values)]
    if not len(values):
        return ()
    if written == "p" and cut == "auto" and bins is None:
        return _P
    if cut == "round" or (cut == "auto" and written in _SPANS):
        low, high = _SPANS.get(written, (0.0, 0.0)) if written is not None else (0.0, 0.0)
        if low == high:
            low, high = float(values.min()), float(values.max())
        return _round_cuts(low, high, bins or BINS)
    return _quantile_cuts(values, bins or BINS)


def _round_cuts(low: float, high: float, bins: int) -> tuple[float, ...]:
    """Multiples of 1, 2 or 5 times a power of ten between two numbers."""
    step = _round_step((high - low) / bins)
    if not step:
        return ()
    first, last = math.floor(low / step) + 1, math.ceil(high / step) - 1
    cuts = (float(f"{number * step:.12g}") for number in range(first, last + 1))
    return tuple(cut + 0.0 for cut in cuts)  # -0 is 0


def _round_step(least: float) -> float:
    """The smallest of 1, 2 or 5 times a power of ten that is not below a number; 0 where that is 0 or not finite."""
    if not (least > 0 and math.isfinite(least)):
        return 0.0
    power = 10.0 ** math.floor(math.log10(least))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= least * (1 - 1e-9))


def _quantile_cuts(values: NDArray[np.floating], bins: int) -> tuple[float, ...]:
    """Numbers that about as many values lie between, with as few digits as tell them apart."""
    quantiles = np.quantile(values, np.arange(1, bins) / bins).tolist()
    lowest = float(values.min())
    apart = len({cut for cut in quantiles if cut > lowest})
    cuts: list[float] = []
    for digits in range(2, _MOST_DIGITS + 1):
        rounded = {float(f"{cut:.{digits}g}") + 0.0 for cut in quantiles}
        cuts = sorted(cut for cut in rounded if cut > lowest)
        if len(cuts) >= apart:
            break
    return tuple(cuts)
