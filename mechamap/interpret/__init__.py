"""What a run's neurons say about its model: how many each category has, how strong, where, and how specialised.

pandas does the counting; it is imported when something is counted.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mechamap.run import Run
    from mechamap.tables.table import Report

__all__ = ["TABLES", "interpret_run", "missing_tables"]

TABLES = (
    "info",
    "categories",
    "top",
    "layers",
    "signs",
    "depth",
    "specialisation",
    "specialists",
    "several",
    "combinations",
    "correlation",
    "correlation_neurons",
    "dead",
)
"""The keys of the tables, in their order. ``signs``, ``specialisation`` and ``dead`` need what not every run has."""


def interpret_run(
    run: Run,
    by: str | None = None,
    threshold: float | None = None,
    top: int = 5,
    *,
    only: Collection[str] | None = None,
    most: int | None = None,
) -> Report:
    """Statements about a model, from one run of it: see ``docs/interpret.md``.

    Args:
        run: of any model, complete or not, or read from a CSV.
        by: the figure that neurons are judged by; None: selectivity, of a CSV the mean.
        threshold: from where on a neuron counts for a category; None: the figure's usual one.
        top: how many neurons of each category are named.
        only: keys of the tables that are wanted; None: all that the run has something for.
        most: the most rows of the tables that have one for each neuron or set of categories; None: all.

    Raises:
        UsageError: no such figure, a threshold that makes no sense for it, or a table that there is not.
        RunError: no layer is complete, or a figure cannot be read.
    """
    from mechamap.interpret.report import report_of

    return report_of(run, by=by, threshold=threshold, top=top, only=only, most=most)


def missing_tables(run: Run, by: str | None = None) -> dict[str, str]:
    """The tables that there are not for a run and a figure, by key, and why.

    Raises:
        UsageError: no such figure.
    """
    from mechamap.interpret.report import missing

    return missing(run, by)
