"""How many neurons there are in each group of a column or a pair of columns: counted beside the screen's thread."""

from __future__ import annotations

import asyncio
from typing import ClassVar

from textual import work
from textual.binding import Binding, BindingType

from mechamap.errors import MechaMapError
from mechamap.query.parts import parts_of
from mechamap.query.syntax import parse
from mechamap.replay.actions import counted
from mechamap_tui.data.counting import Counting
from mechamap_tui.explorer import explorer_of
from mechamap_tui.report.captions import link_at
from mechamap_tui.report.keys import TABLE_KEYS
from mechamap_tui.report.tables_screen import TablesScreen
from mechamap_tui.report.view import ReportView
from mechamap_tui.terminal.textual_internals import is_leaving
from mechamap_tui.widgets.prompt import Question

__all__ = ["CountsScreen"]


class CountsScreen(TablesScreen[str | None], inherit_bindings=False):
    """Shows a frequency table; dismissed with the filter for the neurons of a cell, or None.

    Args:
        counting: what is counted first.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("x,F", "columns", "count by", tooltip="count by other columns"),
        *TABLE_KEYS,
        Binding("y", "copy", "copy"),
        Binding("q,escape", "back", "back"),
    ]

    def __init__(self, counting: Counting) -> None:
        super().__init__(ReportView(numbers=True), "Counting ...")
        self.title = "Counts"
        self._counting = counting

    def on_mount(self) -> None:
        self._title.show(f"{self._counting.run.name}: neurons by {self._counting.by}", 0)
        self._fit()
        self._count(self._counting)

    @work(group="counts", exclusive=True)
    async def _count(self, counting: Counting) -> None:
        try:
            report = await asyncio.to_thread(counting.report)
        except MechaMapError as error:
            if not is_leaving(self):
                self._failed(error)
            return
        if is_leaving(self):
            return
        self._counting = counting
        explorer_of(self).did(counting.run, counted(counting.run, counting.by, counting.view))
        self.show_report(report, report.tables[0].key)

    def _failed(self, error: MechaMapError) -> None:
        if self.report is not None:
            explorer_of(self).show_error(error)
            return
        from mechamap_tui.dialogs.error import ErrorScreen

        self.app.push_screen(ErrorScreen(error), lambda _: self.dismiss(None))

    # --- keys ------------------------------------------------------------------------------------------------

    def on_report_table_cell_opened(self) -> None:
        """Leave with the filter for the neurons of the cell."""
        link = link_at(self.tables.table, self.tables.cells.place)
        if link is None:
            self.notify("There are no neurons behind this cell.", markup=False)
        else:
            self.dismiss(link.where)

    async def action_columns(self) -> None:
        """Ask what to count by."""
        by = self._counting.by
        if len(parts_of(by, self._counting.run.categories)) == 1:
            by += ", best" if by != "best" else ", layer"
        example = "layer, best; or reads.food; or first_token"
        await self.prompt.ask(Question("count by", by, example, self._meaning, self._count_by))

    def _meaning(self, text: str) -> str:
        """That an expression, or a pair, was typed.

        Raises:
            QueryError: it cannot be read.
        """
        pair = len(parse(text, self._counting.run.categories)) == 2
        return "the first by the second" if pair else "one column; a second behind a comma"

    def _count_by(self, text: str) -> None:
        self._count(self._counting.counted_by(text.strip()))

    def action_back(self) -> None:
        self.dismiss(None)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "numbers":
            return self.tables.table is not None and self.tables.table.heat
        if action == "step":
            return self.report is not None and len(self.report.tables) > 1
        if action == "columns":
            return self.report is not None and not self.prompt.asking
        return True
