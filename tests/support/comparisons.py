"""Reports about runs that are compared."""

from __future__ import annotations

from collections.abc import Sequence

from mechamap.compare.closest.closest import Closest
from mechamap.compare.comparison import Differences, prepare
from mechamap.compare.report import LIMIT, compare_runs
from mechamap.runs.run import Run
from mechamap.tables.table import Report


def compared(
    runs: Sequence[Run],
    by: str | None = None,
    threshold: float | None = None,
    *,
    limit: int = LIMIT,
    closest: Closest | None = None,
    differences: Differences = "none",
) -> Report:
    """The report about these runs."""
    return compare_runs(prepare(runs, by, threshold, differences=differences), limit, closest)
