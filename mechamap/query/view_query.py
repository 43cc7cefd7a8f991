"""A view of a table of neurons as a filter and sort columns."""

from __future__ import annotations

from dataclasses import dataclass

from mechamap.figures.catalogue import FIGURES
from mechamap.figures.of_run import default_figure
from mechamap.query.column_names import ALL_CATEGORIES, ROUTED, TOKENS, expression_of
from mechamap.query.filters import bracketed, quoted
from mechamap.runs.run import Run
from mechamap.runs.views.sort_key import SortKey
from mechamap.runs.views.table_view import TableView

__all__ = ["ViewQuery", "view_query"]


@dataclass(frozen=True, slots=True)
class ViewQuery:
    """What the command line takes in place of a view.

    Attributes:
        where: a filter; empty: all neurons.
        sort: columns.
        category: that the view shows; empty: none.
        marked: whether only marked neurons are meant.
    """

    where: str
    sort: str
    category: str
    marked: bool


def view_query(run: Run, view: TableView) -> ViewQuery:
    """The query that finds the neurons of a view on a run, in their order; what the run lacks is left out."""
    category = view.category if view.category in run.categories else next(iter(run.categories), "")
    conditions = [view.where.strip()] if view.where.strip() else []
    if any(rows.layer == view.layer for rows in run.layers):
        conditions = [*(bracketed(condition) for condition in conditions), f"layer == {view.layer}"]
    usual = f"-{default_figure(run)}.{quoted(category)}" if category else "layer"
    sort = [_written(run, key, category) for key in view.sort if _has(run, key)]
    return ViewQuery(" and ".join(conditions), ",".join(sort) or usual, category, view.marked)


def _written(run: Run, key: SortKey, category: str) -> str:
    descending = key.descending != (key.column == TOKENS)  # which the table shows from a to z downwards
    return "-" * descending + expression_of(run, key.column, category)


def _has(run: Run, key: SortKey) -> bool:
    column = key.column
    if column.startswith(ALL_CATEGORIES):
        return column.removeprefix(ALL_CATEGORIES) in run.categories
    needs = {each.label: each.name for each in FIGURES.values()} | {TOKENS: "top_positions", ROUTED: "tokens"}
    return column in ("layer", "neuron", "expert") or (column in needs and run.has(needs[column]))
