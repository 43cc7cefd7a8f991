"""How one line of a report's table is drawn: numbers by the kind of their column, or the colours of a heat map."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from mechamap.tables.numbers import NONE, is_number
from mechamap.tables.table import Table
from mechamap_tui.report.table.cell_layout import GAP, MARGIN, CellLayout
from mechamap_tui.report.table.cell_text import cell_text, is_signed
from mechamap_tui.report.table.heat_map import HeatMap
from mechamap_tui.report.view import CellPlace
from mechamap_tui.terminal.terminal_text import fit, pad
from mechamap_tui.widgets.glyphs import CURSOR, DOWN, MORE_LEFT, MORE_RIGHT, UP

__all__ = ["CellLines"]


@dataclass(frozen=True, slots=True)
class CellLines:
    """A table and how it is drawn.

    Attributes:
        heat: its colours; None: it is drawn as numbers.
        look: a style by its name: base, header, header-cursor, row, cursor, heat-cursor, name, falling, dim.
    """

    table: Table
    layout: CellLayout
    heat: HeatMap | None
    look: Callable[[str], Style]

    def header(self, y: int, place: CellPlace) -> Strip:
        """A line of the titles: an arrow where it is sorted, the cursor's column marked, signs where more is hidden."""
        layout, base = self.layout, self.look("header")
        shown, last = layout.shown(place.first), y == layout.header - 1
        more_left = last and bool(shown) and shown[0][0] > layout.stubs
        segments = [Segment((MORE_LEFT if more_left else "").ljust(MARGIN), base)]
        for column, room in [*layout.fixed, *shown]:
            title = layout.titles[column][y]
            if last and place.sort is not None and place.sort[0] == column:
                title += DOWN if place.sort[1] else UP
            style = self.look("header-cursor") if column == place.column else base
            segments += self._title(column, room, title, style)
        strip = Strip(segments).adjust_cell_length(layout.pane, base)
        if not (last and self._more(shown)):
            return strip
        return Strip.join([strip.crop(0, layout.pane - 1), Strip([Segment(MORE_RIGHT, base)])])

    def _title(self, column: int, room: int, title: str, style: Style) -> list[Segment]:
        """A title where the column's cells stand: in the middle of a heat map's, at the right above numbers."""
        base = self.look("header")
        gap = 1 if self.heat is not None else min(GAP, room)
        title = fit(title, room - (gap if column else 0))
        before = room - cell_len(title)
        if column and self.heat is not None:
            before = (before + 1) // 2
        elif not is_number(self.table.columns[column].kind):
            before = gap if column else 0
        after = room - before - cell_len(title)
        return [Segment(" " * before, base), Segment(title, style), Segment(" " * after, base)]

    def _more(self, shown: list[tuple[int, int]]) -> bool:
        """Whether there is more to the right of what is shown."""
        widths = self.layout.widths
        return bool(shown) and (shown[-1][0] < len(widths) - 1 or shown[-1][1] < widths[shown[-1][0]])

    def row(self, row: int, part: int, first: int, cursor: int | None) -> Strip:
        """One line of a row: its number or that of several lines, and the ``cursor``'s column where that is on it."""
        layout, table = self.layout, self.table
        middle = part == (layout.tall - 1) // 2
        base = self.look("row") if cursor is not None and self.heat is None else self.look("base")
        segments = [Segment((CURSOR if cursor is not None and middle else "").ljust(MARGIN), base)]
        for column, room in [*layout.fixed, *layout.shown(first)]:
            look = "heat-cursor" if self.heat is not None and column else "cursor"
            over = self.look(look) if column == cursor else None
            if self.heat is not None and column:
                segments.append(self.heat.cell(row, column, room, middle=middle, over=over))
                continue
            text = cell_text(table.rows[row][column], table.columns[column].kind) if middle else ""
            gap = min(GAP, room) if column else 0
            text = pad(text, room - gap, right=is_number(table.columns[column].kind))
            style = over or (base if cursor is not None and column else base + self._style(row, column))
            segments += [Segment(" " * gap, base), Segment(text, style)]
        return Strip(segments).adjust_cell_length(layout.pane, base)

    def _style(self, row: int, column: int) -> Style:
        cell = self.table.rows[row][column]
        if column < self.layout.stubs:
            return self.look("name")
        if cell is None or cell == NONE:
            return self.look("dim")
        if isinstance(cell, int | float) and cell < 0 and is_signed(self.table.columns[column].kind):
            return self.look("falling")
        return Style.null()
