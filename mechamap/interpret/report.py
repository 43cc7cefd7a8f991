"""The report: each table that is wanted and that the run has something for, in order."""

from __future__ import annotations

from collections.abc import Callable, Collection

import pandas as pd

from mechamap.errors import UsageError
from mechamap.figures.of_run import default_figure, judged_figure
from mechamap.figures.top_words import TopWords
from mechamap.interpret.by_category import categories_table, sign_figure, signs_table
from mechamap.interpret.by_layer import dead_table, depth_table, layers_table
from mechamap.interpret.info import info_table
from mechamap.interpret.judged import FigureView, figure_view
from mechamap.interpret.overlap import combinations_table, correlation_neurons_table, correlation_table, several_table
from mechamap.interpret.remarks import remarks
from mechamap.interpret.specialised import neuron_evenness, specialisation_table, specialists_table
from mechamap.interpret.strongest import top_table
from mechamap.interpret.tables import TABLES
from mechamap.runs.run import Run
from mechamap.tables.selection import no_table
from mechamap.tables.table import Report, Table

__all__ = ["interpret_run", "missing_tables"]


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
        by: the figure that neurons are judged by; None: the first that the run has, of strength,
            ap, selectivity and mean.
        threshold: the value from which a neuron counts for a category; None: the figure's usual one.
        top: how many neurons of each category are named.
        only: keys of the tables that are wanted; None: all that the run has something for.
        most: the most rows of the tables that have one for each neuron or set of categories; None: all.

    Raises:
        UsageError: no such figure, a threshold that makes no sense for it, or a table that does not exist.
        RunError: no layer is complete, or a figure cannot be read.
    """
    if top < 1:
        raise UsageError(f"The number of neurons for each category is {top}; it must be at least 1.")
    absent = missing_tables(run, by)
    for key in only or ():
        if key not in TABLES:
            raise no_table(key, TABLES)
        if key in absent:
            raise UsageError(f"{run.name} has no table {key}: {absent[key]}.")
    view = figure_view(run, by, threshold)
    makers = _makers(view, top, most)
    keys = [key for key in TABLES if key not in absent and (only is None or key in only)]
    return Report(
        title=f"{run.name}: neurons of {run.label} by {view.kind.label}",
        tables=tuple(makers[key]() for key in keys),
        remarks=remarks(view, threshold),
        runs=(str(run.path) if run.path is not None else run.name,),
        main="categories",
    )


def missing_tables(run: Run, by: str | None = None) -> dict[str, str]:
    """The tables that a run and a figure cannot have, by key, and why.

    Raises:
        UsageError: no such figure.
    """
    kind = judged_figure(run, by if by is not None else default_figure(run))
    why = {}
    if sign_figure(run, kind) is None:
        why["signs"] = f"{kind.label} has only one side, and the run has no selectivity"
    if len(run.categories) < 2:
        why["specialisation"] = why["specialists"] = "the run has fewer than two categories"
    elif kind.ascending:
        why["specialisation"] = why["specialists"] = f"{kind.label} is not a strength that can be added up"
    if not run.has("dead"):
        why["dead"] = "the run does not say which neurons are dead"
    return why


def _makers(view: FigureView, top: int, most: int | None) -> dict[str, Callable[[], Table]]:
    """How each table is made."""
    words = TopWords(view.run)
    can_be_added = "specialisation" not in missing_tables(view.run, view.kind.name)
    cache: list[pd.Series[float]] = []

    def even() -> pd.Series[float]:
        if not cache:
            cache.append(neuron_evenness(view))
        return cache[0]

    return {
        "info": lambda: info_table(view, even() if can_be_added else None),
        "categories": lambda: categories_table(view),
        "top": lambda: top_table(view, top, words),
        "layers": lambda: layers_table(view),
        "signs": lambda: signs_table(view),
        "depth": lambda: depth_table(view),
        "specialisation": lambda: specialisation_table(view, even()),
        "specialists": lambda: specialists_table(view, even(), words, most),
        "several": lambda: several_table(view, words, most),
        "combinations": lambda: combinations_table(view, most),
        "correlation": lambda: correlation_table(view),
        "correlation_neurons": lambda: correlation_neurons_table(view),
        "dead": lambda: dead_table(view),
    }
