"""A finding's check in a single cell: confirmed, dropped, or neither."""

from __future__ import annotations

from collections.abc import Callable

from mechamap.figures.findings import confirmed, dropped
from mechamap.runs.run import Run

__all__ = ["BADGE_SIGNS", "CONFIRMED_SIGN", "DROPPED_SIGN", "check_signs"]


CONFIRMED_SIGN, DROPPED_SIGN = "✓", "✗"
BADGE_SIGNS = {"confirmed": CONFIRMED_SIGN, "dropped": DROPPED_SIGN}  # of mechamap.figures.findings' badges


def check_signs(run: Run, category: str) -> Callable[[int], str] | None:
    """The sign of each neuron (by row) for a category; None where nothing was checked."""
    if not category or not (run.has("p") or run.has("second_held")):
        return None
    is_confirmed, is_dropped = confirmed(run, category), dropped(run, category)  # [neurons]

    def sign(row: int) -> str:
        if is_confirmed[row]:
            return CONFIRMED_SIGN
        return DROPPED_SIGN if is_dropped[row] else ""

    return sign
