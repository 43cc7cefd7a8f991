"""A finding's check in a single cell: confirmed, dropped, or neither."""

from __future__ import annotations

from collections.abc import Callable

from mechamap.figures.findings import confirmed, dropped_on
from mechamap.runs.run import Run

__all__ = ["BADGE_SIGNS", "CONFIRMED_SIGN", "DROPPED_SIGN", "check_signs"]


CONFIRMED_SIGN, DROPPED_SIGN = "✓", "✗"
BADGE_SIGNS = {"confirmed": CONFIRMED_SIGN, "dropped": DROPPED_SIGN}  # of mechamap.figures.findings' badges


def check_signs(run: Run, category: str) -> Callable[[int], str] | None:
    """The sign of each neuron (by row) for a category; None where nothing was checked."""
    if not run.has("p") or not category:
        return None
    is_confirmed = confirmed(run, category)  # [neurons]

    def sign(row: int) -> str:
        if is_confirmed[row]:
            return CONFIRMED_SIGN
        return DROPPED_SIGN if dropped_on(run, str(run.neuron_name(row)), category) else ""

    return sign
