"""What the browse screen's table shows, as a value, and the table made to show another one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mechamap.errors import MechaMapError
from mechamap.runs.run import Run
from mechamap.runs.views.table_view import TableView

if TYPE_CHECKING:
    from mechamap_tui.browse.finding import Finding
    from mechamap_tui.browse.layer_list import LayerList
    from mechamap_tui.browse.table.table import NeuronTable

__all__ = ["ShownView"]


class ShownView:
    """The view of a table, of the layers beside it and of the filters that are entered."""

    def __init__(self, run: Run, table: NeuronTable, layers: LayerList, finding: Finding) -> None:
        self._run, self._table, self._layers, self._finding = run, table, layers, finding

    @property
    def now(self) -> TableView:
        """What is shown now; a filter counts once it is entered."""
        table, finding = self._table, self._finding
        return TableView(
            where=finding.expression,
            category=table.category,
            layer=self._layers.layer_shown,
            marked=finding.only_marked,
            sort=() if table.order.keys == table.order.default else table.order.keys,
            overview=table.overview,
            columns=table.choice,
        )

    def show(self, view: TableView, row: int | None = None) -> MechaMapError | None:
        """Show another view, as far as the run has what it names.

        Args:
            row: the neuron to put the cursor on; None: the one it is on.

        Returns:
            Why its filter is not shown, if it is not.
        """
        run, table = self._run, self._table
        category = view.category or next(iter(run.categories), "")
        known = table.sortable
        with table.together():
            table.choose_columns(view.columns)
            table.show_overview(view.overview)
            if category in run.categories and category != table.category:
                table.show_category(category, stay=True)
            table.sort(*(key for key in view.sort if key.column in known))
            there = any(rows.layer == view.layer for rows in run.layers)
            self._layers.go_to(view.layer if there else None)
            problem = self._finding.show(view.where, layer=view.layer if there else None, marked=view.marked)
            if row is not None:
                table.stay_on(row)
        return problem
