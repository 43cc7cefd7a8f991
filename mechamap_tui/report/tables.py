"""A report's tables, one at a time: their names, the one on the screen, and what is to be known about it."""

from __future__ import annotations

from textual.containers import Horizontal, Vertical

from mechamap.tables.table import Report, Table
from mechamap_tui.report.captions import TableNote
from mechamap_tui.report.table.table import ReportTable
from mechamap_tui.report.table_names import TableNames
from mechamap_tui.report.view import ReportView

__all__ = ["ReportTables"]


WIDE = 110  # columns from which the names of the tables stand beside the table


class ReportTables(Vertical):
    """Goes through the tables of a report.

    Args:
        view: what was looked at last time.

    Attributes:
        report: None until there is one.
        cells: the table on the screen.
    """

    DEFAULT_CSS = """
    ReportTables {
        height: 1fr;
        & > Horizontal { height: 1fr; }
        #cells { width: 1fr; border: round $foreground 30%; border-title-color: $foreground 80%;
                 border-subtitle-color: $foreground 80%; background: $background; }
        #cells:focus { border: heavy $accent; border-title-color: $foreground; border-title-style: bold; }
    }
    """

    def __init__(self, view: ReportView) -> None:
        self.report: Report | None = None
        self.cells = ReportTable()
        self._view = view
        self._first: int | None = None  # the table requested before there were any
        self._names, self._list = TableNames(id="names"), TableNames(id="list", classes="-list")
        self._note = TableNote()
        super().__init__(self._names, Horizontal(self._list, self.cells), self._note)

    @property
    def table(self) -> Table | None:
        """The table on the screen."""
        return self.report.tables[self.index] if self.report is not None and self.report.tables else None

    @property
    def index(self) -> int:
        """The position of the table on the screen among the report's tables."""
        tables = self.report.tables if self.report is not None else ()
        return next((index for index, table in enumerate(tables) if table.key == self._view.table), 0)

    def show(self, report: Report, table: str = "") -> None:
        """Show a report and one of its tables: ``table``, else the current one where the report has it."""
        self.remember()
        if self._first is not None and self._first < len(report.tables):
            table = report.tables[self._first].key
        self._view.table, self._first = table or self._view.table, None
        self.report = report
        self._show_table()

    def _show_table(self) -> None:
        """Show the table that the view names."""
        report, table = self.report, self.table
        if report is None or table is None:
            return
        for names in (self._names, self._list):
            names.show(report.tables, self.index)
        self.cells.show(report, table, self._view.place(table), heat=not self._view.numbers)
        self._show_note()
        self.refresh_bindings()

    def remember(self) -> None:
        """Remember where the cursor of the table is."""
        if self.cells.table is not None:
            self._view.places[self.cells.table.key] = self.cells.place

    def go_to(self, index: int) -> None:
        """Show a table by its position."""
        if self.report is None:
            self._first = index  # once it has come
        elif index < len(self.report.tables):
            self.remember()
            self._view.table = self.report.tables[index].key
            self._show_table()

    def step(self, steps: int) -> None:
        """Show the table that many steps further, cyclically."""
        if self.report is not None and self.report.tables:
            self.go_to((self.index + steps) % len(self.report.tables))

    def switch_numbers(self) -> None:
        """Switch between the heat map and its numbers."""
        self.remember()
        self._view.numbers = not self._view.numbers
        self._show_table()

    def fit(self) -> None:
        """Show the names where there is room for them."""
        wide = self.app.size.width >= WIDE
        self._list.display, self._names.display = wide, not wide
        self._show_note()

    def on_report_table_cell_highlighted(self) -> None:
        self._show_note()

    def _show_note(self) -> None:
        self._note.show(self.table, self.cells.cut_text)
