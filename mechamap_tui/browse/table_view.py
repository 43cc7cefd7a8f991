"""What the neuron table shows, as the command line says it."""

from __future__ import annotations

from mechamap.query.view_query import view_query
from mechamap.replay.view import View
from mechamap.runs.views.table_view import TableView
from mechamap_tui.browse.table.table import NeuronTable

__all__ = ["table_view"]


def table_view(table: NeuronTable, expression: str, layer: int | None, *, marked: bool) -> View:
    """The view of a table; no sort columns where it is sorted as by default.

    Args:
        expression: the filter that was entered.
        layer: the only one that is shown; None: all are.
        marked: whether only the marked neurons are.
    """
    keys = () if table.order.keys == table.order.default else table.order.keys
    query = view_query(table.run, TableView(expression, table.category, layer, marked, keys))
    return View(query.where, query.sort if keys else "", query.category, query.marked)
