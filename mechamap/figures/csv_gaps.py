"""From which mean on a CSV lists neurons: what is smaller is missing, and the file does not say where that begins."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mechamap.runs.run import Run

__all__ = ["known_from", "listed_from", "lists_some"]


_LISTED = frozenset(("mean", "top_values", "top_positions", "tokens"))  # what a CSV that is not wide has
_FEW = 10  # means say nothing of the threshold that they were written with
_GAP = 10  # times the spacing of means, below the smallest of them, is more than chance leaves


def lists_some(run: Run) -> bool:
    """Whether it knows only means, and only those at or above a threshold, as a CSV that is not wide."""
    if not run.is_csv or not {*run.record.figures} <= _LISTED or not run.has("mean"):
        return False
    return bool(np.isnan(run.figure("mean")).any())


def known_from(run: Run) -> float:
    """The mean from which on a run knows all neurons: where it :func:`lists_some`, as far as its means tell."""
    threshold = run.threshold
    least = listed_from(run.figure("mean"), threshold) if lists_some(run) else None
    return threshold if least is None else least


def listed_from(means: NDArray[np.floating], threshold: float) -> float | None:
    """The smallest mean of a CSV where it lies farther above a threshold than chance leaves it; else None."""
    finite = means[np.isfinite(means)]
    if len(finite) < _FEW:
        return None
    least = float(finite.min())
    between = (float(np.median(finite)) - least) / (len(finite) / 2)
    if least - threshold <= _GAP * between:
        return None
    return float(str(finite.min()))  # 0.5012 is that to the user, not 0.5012000203132629
