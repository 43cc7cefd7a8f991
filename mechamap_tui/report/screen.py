"""A report on the screen: its tables one at a time, as heat maps or numbers, and the neurons behind their cells."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content

from mechamap.errors import MechaMapError
from mechamap.query.link import Link
from mechamap.tables.numbers import is_number
from mechamap.wording.amounts import quantity
from mechamap_tui.explorer import explorer_of
from mechamap_tui.report.cell_text import cell_text, row_text
from mechamap_tui.report.frame import ReportFrame
from mechamap_tui.report.table_names import TableList, TableNames
from mechamap_tui.terminal.clipboard import copy_text
from mechamap_tui.terminal.terminal_text import clean, fit
from mechamap_tui.widgets.pane_title import BORDER, first_fitting, pane_title

__all__ = ["REPORT_KEYS", "TABLE_KEYS", "ReportScreen"]


TABLE_KEYS: tuple[BindingType, ...] = (
    Binding("right_square_bracket,tab", "step(1)", "next table", key_display="]"),
    Binding("left_square_bracket,shift+tab", "step(-1)", "previous table", key_display="[", show=False),
    *(Binding(str(n % 10), f"table({n - 1})", "table by its number", show=False) for n in range(1, 11)),
    Binding("v", "numbers", "map/numbers"),
)
REPORT_KEYS: tuple[BindingType, ...] = (
    Binding("i", "about", "about"),
    Binding("e", "export_report", "export"),
    Binding("y", "copy", "copy"),
    Binding("Y", "copy_cell", "copy the cell", show=False),
    Binding("q,escape", "back", "back"),
)


class ReportScreen(ReportFrame):
    """Goes through a report's tables and their cells; a subclass asks for it and knows where its links lead."""

    BINDINGS: ClassVar[list[BindingType]] = [*TABLE_KEYS, *REPORT_KEYS]

    def link_opened(self, link: Link) -> None:
        """Show the neurons behind a cell."""
        raise NotImplementedError

    # --- its tables ----------------------------------------------------------------------------------------

    def action_table(self, at: int) -> None:
        if self.report is None:
            self.first = at  # once it has come
        elif at < len(self.report.tables):
            self.remember()
            self.view.table = self.report.tables[at].key
            self.show_table()

    def action_step(self, steps: int) -> None:
        if self.report is not None and self.report.tables:
            self.action_table((self.at + steps) % len(self.report.tables))

    def action_numbers(self) -> None:
        """Change between the heat map and its numbers."""
        self.remember()
        self.view.numbers = not self.view.numbers
        self.show_table()

    def show_table(self) -> None:
        report, table = self.report, self.table
        if report is None or table is None:
            return
        for names in self.query(TableNames):
            names.show(report.tables, self.at)
        for listed in self.query(TableList):
            listed.show(report.tables, self.at)
        self.cells.show(table, self.view.place(table), heat=not self.view.numbers)
        self.tell()
        self.refresh_bindings()

    # --- the cell under the cursor ---------------------------------------------------------------------------

    def on_report_table_cell_highlighted(self) -> None:
        self.entitle()
        self.tell()

    def on_report_table_cell_opened(self) -> None:
        link = self._link()
        if link is None:
            self.notify("This cell stands for no neurons.", markup=False)
            return
        self.remember()
        try:
            self.link_opened(link)
        except MechaMapError as error:
            explorer_of(self).show_error(error)

    def _link(self) -> Link | None:
        table, place = self.table, self.cells.place
        return table.link(place.row, place.column) if table is not None and table.rows else None

    def entitle(self) -> None:
        """Say in the borders which cell this is, and what is behind it."""
        table, cells = self.table, self.cells
        if table is None:
            return
        width, title = cells.outer_size.width or self.app.size.width, clean(table.title)
        if not table.rows:
            cells.border_title, cells.border_subtitle = pane_title(title, "none"), None
            return
        row, place = table.rows[cells.place.row], cells.place
        label, column = cell_text(row[0], table.columns[0].kind), clean(table.columns[place.column].title)
        if is_number(table.columns[0].kind):
            label = f"{clean(table.columns[0].title)} {label}"
        value = cell_text(row[place.column], table.columns[place.column].kind)
        cells.border_title = first_fitting(
            width,
            *([pane_title(title, label, f"{column} {value}")] if place.column else [pane_title(title, label)]),
            pane_title(table.key.replace("_", " "), label, f"{column} {value}" if place.column else ""),
            pane_title(fit(label, width // 3), fit(f"{column} {value}", width // 3)),
        )
        link = self._link()
        behind = "no neurons behind it" if link is None else f"enter: {clean(self._behind(link))}"
        count = quantity(len(table.rows), "row")
        cells.border_subtitle = Content(fit(f"{behind} ── {count}", max(width - BORDER, 1)))

    def _behind(self, link: Link) -> str:
        """The neurons behind a cell, in the words of a filter, and of which run they are where there are several."""
        runs = self.report.runs if self.report is not None else ()
        return f"{Path(runs[link.run]).name}: {_told(link)}" if len(runs) > 1 else _told(link)

    def action_copy(self) -> None:
        """Copy the row under the cursor."""
        table = self.table
        if table is not None and table.rows:
            self._copy(row_text(table.rows[self.cells.place.row], table.columns), "The row")

    def action_copy_cell(self) -> None:
        table, place = self.table, self.cells.place
        if table is not None and table.rows:
            self._copy(cell_text(table.rows[place.row][place.column], table.columns[place.column].kind), "The cell")

    def _copy(self, text: str, what: str) -> None:
        self.notify(f"{what} is copied {copy_text(self.app, text)}.", markup=False)

    # --- the app around it -----------------------------------------------------------------------------------

    def action_about(self) -> None:
        """All that has to be known with the table and the report."""
        if self.report is not None and self.table is not None:
            from mechamap_tui.report.about import ReportAbout

            self.app.push_screen(ReportAbout(self.report, self.table))

    def action_export_report(self) -> None:
        if self.report is not None and self.table is not None:
            from mechamap_tui.report.export import ReportExport

            self.app.push_screen(ReportExport(self.report, self.table, self.subject))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "numbers":
            return self.table is not None and self.table.heat
        if action in ("about", "export_report", "copy", "copy_cell"):
            return self.report is not None
        return True


def _told(link: Link) -> str:
    """The neurons behind a cell, in the words of a filter."""
    told = link.neuron if link.neuron and not link.where else link.where or "all neurons"
    return f"{told}, by {link.category}" if link.category and not link.where else told
