"""A report's table with a cell cursor, as numbers or as a heat map; only the lines in view are drawn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from rich.cells import cell_len
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.message import Message
from textual.strip import Strip

from mechamap.tables.numbers import is_number
from mechamap.tables.table import Report, Table
from mechamap_tui.report.captions import border_subtitle, border_title
from mechamap_tui.report.table.cell_layout import GAP, CellLayout, heat_layout, number_layout
from mechamap_tui.report.table.cell_lines import CellLines
from mechamap_tui.report.table.cell_text import cell_text, row_text
from mechamap_tui.report.table.heat_map import HeatMap
from mechamap_tui.report.view import CellPlace, next_sort, row_order
from mechamap_tui.widgets.line_table import MOVE_KEYS, LineTable

__all__ = ["ReportTable"]


class ReportTable(LineTable, can_focus=True, inherit_bindings=False):
    """Browsed cell by cell; the header and the first column stay in place."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open", "neurons", tooltip="the neurons behind this cell"),
        Binding("s", "sort", "sort", show=False),
        *MOVE_KEYS,
    ]

    DEFAULT_CSS = """
    ReportTable {
        overflow-x: hidden;
        .table--cursor { text-style: bold underline; }
    }
    """

    @dataclass
    class CellHighlighted(Message):
        """The cursor stands on another cell, or on one of another table."""

    @dataclass
    class CellOpened(Message):
        """The neurons behind the cell under the cursor were asked for."""

    def __init__(self) -> None:
        super().__init__(id="cells")
        self.table: Table | None = None
        self._report: Report | None = None
        self.order: list[int] = []  # the table's rows, top to bottom
        self._first = 1  # the first column seen behind those that stay
        self._sort: tuple[int, bool] | None = None
        self._heat = False
        self._lines: CellLines | None = None

    # --- interface -------------------------------------------------------------------------------------------

    def show(self, report: Report, table: Table, place: CellPlace, *, heat: bool = False) -> None:
        """Show a report's table with the cursor where it was left; as a ``heat`` map where it can be drawn so."""
        self._report, self.table, self._heat = report, table, heat
        self._first, self._sort = place.first, place.sort
        self.column = min(place.column, len(table.columns) - 1)
        self._order(min(place.row, max(len(table.rows) - 1, 0)))
        self._draw_anew()
        self.scroll_to(y=place.top, animate=False)
        self._show_cell()

    @property
    def drawn_as_heat(self) -> bool:
        """Whether it is a heat map now."""
        return self._heat and self.table is not None and self.table.heat

    @property
    def row_under_cursor(self) -> str:
        """The text of a row, for the clipboard; empty where there are none."""
        table = self.table
        return row_text(table.rows[self.place.row], table.columns) if table is not None and table.rows else ""

    @property
    def cell_under_cursor(self) -> str:
        """The text of a cell; empty where there are none."""
        table, place = self.table, self.place
        if table is None or not table.rows:
            return ""
        return cell_text(table.rows[place.row][place.column], table.columns[place.column].kind)

    @property
    def cut_text(self) -> str:
        """The text of the cell under the cursor, where its column has no room for it."""
        layout, place = self._layout, self.place
        if layout is None or self.drawn_as_heat:
            return ""
        text = self.cell_under_cursor
        room = dict([*layout.fixed, *layout.shown(place.first)]).get(place.column, 0)
        return text if cell_len(text) > room - (GAP if place.column else 0) else ""

    @property
    def place(self) -> CellPlace:
        """Where the cursor is and what is in view around it, to be restored later."""
        row = self.order[self.cursor_index] if self.order else 0
        return CellPlace(row, self.column, self._first, round(self.scroll_offset.y), self._sort)

    # --- keys and clicks -------------------------------------------------------------------------------------

    def action_open(self) -> None:
        if self.order:
            self.post_message(self.CellOpened())

    def action_sort(self) -> None:
        """Sort the rows by the column under the cursor: down, up, and in their original order."""
        if self.table is not None:
            self._sort = next_sort(self._sort, self.column, numbers=is_number(self.table.columns[self.column].kind))
            self._order(self.place.row)
            self.redraw()
            self._show_cell()

    def action_column(self, columns: int) -> None:
        super().action_column(columns)
        self.cursor_moved()

    def header_clicked(self, x: int, *, shift: bool) -> None:
        if self.order and self._layout is not None:
            self.column = self._layout.column_at(x, self._first)
            self.action_sort()

    def row_clicked(self, index: int, x: int) -> None:
        if self._layout is not None:
            self.column = self._layout.column_at(x, self._first)
            self.show_column()
            self.refresh()  # the column's title too
            self.move_to(index)

    def cursor_moved(self) -> None:
        self._entitle()
        self.post_message(self.CellHighlighted())

    def on_resize(self) -> None:
        self._entitle()

    def _entitle(self) -> None:
        """Show in the borders which cell this is, and what is behind it."""
        report, table, place = self._report, self.table, self.place
        if report is not None and table is not None:
            width = self.outer_size.width or self.app.size.width
            self.border_title = border_title(table, place, width)
            self.border_subtitle = border_subtitle(report, table, place, width)

    def _order(self, row: int) -> None:
        """Sort the table's rows; the cursor is put on ``row``."""
        assert self.table is not None
        self.order = row_order(self.table, self._sort)
        self.cursor_index = self.order.index(row) if self.order else 0

    def _show_cell(self) -> None:
        self.show_column()
        self.show_cursor()
        self.cursor_moved()

    # --- lines -----------------------------------------------------------------------------------------------

    @property
    def row_count(self) -> int:
        return len(self.order)

    @property
    def column_count(self) -> int:
        return len(self.table.columns) if self.table is not None and self._lines is not None else 0

    @property
    def scrolled_columns(self) -> int:
        return self._first

    @property
    def _layout(self) -> CellLayout | None:
        return None if self._lines is None else self._lines.layout

    def lay_out(self) -> None:
        width, height = self.scrollable_content_region.size
        table = self.table
        if table is None or not width:
            return
        layout = heat_layout(table, width, height) if self.drawn_as_heat else number_layout(table, width)
        self._lines = CellLines(table, layout, self._picture(table) if self.drawn_as_heat else None, self.look)
        self.header_lines, self.row_lines = layout.header, layout.tall
        self.virtual_size = Size(width, layout.header + len(self.order) * layout.tall)
        self.show_column()

    def _picture(self, table: Table) -> HeatMap:
        """The table's colours on the current ground; what was drawn is kept."""
        ground, before = self.background_colors[1].rgb, self._lines.heat if self._lines is not None else None
        if before is not None and before.table is table and before.ground == ground:
            return before
        return HeatMap(table, ground)

    def header_strip(self, y: int) -> Strip:
        assert self._lines is not None
        return self._lines.header(y, self.place)

    def row_strip(self, index: int, part: int, *, under_cursor: bool) -> Strip:
        assert self._lines is not None
        return self._lines.row(self.order[index], part, self._first, self.column if under_cursor else None)

    def empty_text(self, y: int) -> str:
        return "  none" if y == 0 else ""

    def show_column(self) -> None:
        if self._layout is not None:
            self._first = self._layout.first_that_shows(self.column, self._first)

    def _draw_anew(self) -> None:
        self.lay_out()
        self.redraw()

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._draw_anew()  # a heat map's colours begin at that of the ground
