"""The layout of a report's table: the first column stays, the others scroll past it by whole columns."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from rich.cells import cell_len

from mechamap.tables.column_widths import title_lines
from mechamap.tables.numbers import is_number
from mechamap.tables.table import Column, Table
from mechamap_tui.report.table.cell_text import cell_text
from mechamap_tui.terminal.terminal_text import clean

__all__ = ["GAP", "MARGIN", "MEASURED", "CellLayout", "heat_layout", "number_layout"]


MARGIN = 2  # cells in front of a line, for the cursor's sign
GAP = 2  # cells in front of a column
LABEL_LEAST, CUT_LEAST = 4, 12
MEASURED = 200  # rows whose texts determine a column's width
HEAT_LEAST, HEAT_MOST, HEAT_TALLEST = 3, 12, 3
HEAT_SCROLLED = 6  # cells of a column for its title, in a heat map that is too wide for the pane anyway


@dataclass(frozen=True, slots=True)
class CellLayout:
    """How a table fits into a pane.

    Attributes:
        widths: of the columns, the gap in front included; that of the first is the label's.
        titles: what stands above each, in as many lines as there are header lines.
        pane: the cells of a line.
        tall: the lines of a row.
        cut: columns that may be shown in less room than they want.
        stubs: how many of the first columns stay.
    """

    widths: tuple[int, ...]
    titles: tuple[tuple[str, ...], ...]
    pane: int
    tall: int = 1
    cut: frozenset[int] = frozenset()
    stubs: int = 1

    @property
    def header(self) -> int:
        """Lines above the rows."""
        return len(self.titles[0])

    @property
    def left(self) -> int:
        """Where the columns that scroll begin."""
        return MARGIN + sum(self.widths[: self.stubs])

    @property
    def fixed(self) -> list[tuple[int, int]]:
        """The columns that stay, each with its room."""
        return list(enumerate(self.widths[: self.stubs]))

    def shown(self, first: int) -> list[tuple[int, int]]:
        """The columns in view where ``first`` is the first of those that scroll, each with its room."""
        columns: list[tuple[int, int]] = []
        room = self.pane - self.left
        for column in range(max(first, self.stubs), len(self.widths)):
            width = self.widths[column]
            if width > room:
                if not columns or (column in self.cut and room >= CUT_LEAST):
                    columns.append((column, room))
                break
            columns.append((column, width))
            room -= width
        return columns

    def first_that_shows(self, column: int, first: int) -> int:
        """The nearest place to scroll to at which a column is in view, whole where possible."""
        if column < self.stubs:
            return first
        first = min(max(first, self.stubs), column)
        while first < column and (column, self.widths[column]) not in self.shown(first):
            first += 1
        return first

    def column_at(self, x: int, first: int) -> int:
        """The column under a cell of the pane."""
        edge, under = MARGIN + self.widths[0], 0
        for column, room in [*self.fixed[1:], *self.shown(first)]:
            if x < edge:
                break
            edge, under = edge + room, column
        return under


def number_layout(table: Table, pane: int) -> CellLayout:
    """Each column as wide as its cells; titles on two lines where they do not fit on one."""
    cells = [max(map(cell_len, texts), default=0) for texts in _texts(table)]
    titles = [clean(column.title) for column in table.columns]
    whole = [max(cell, cell_len(title)) for cell, title in zip(cells, titles, strict=True)]
    if MARGIN + sum(whole) + GAP * (len(whole) - 1) > pane:
        whole = [_folded(column, least, most) for column, least, most in zip(table.columns, cells, whole, strict=True)]
    lines = [title_lines(column, width) for column, width in zip(table.columns, whole, strict=True)]
    height = max(map(len, lines))
    above = tuple(("",) * (height - len(title)) + tuple(map(clean, title)) for title in lines)
    cut = frozenset(place for place, column in enumerate(table.columns) if place and not is_number(column.kind))
    widths = (_label(whole[0], pane), *(width + GAP for width in whole[1:]))
    stubs = [count for count in range(1, table.stubs + 1) if sum(widths[:count]) <= pane // 2]
    return CellLayout(widths, above, pane, cut=cut, stubs=max(stubs, default=1))


def heat_layout(table: Table, pane: int, lines: int) -> CellLayout:
    """All columns equally wide, as wide as fits; never so narrow that numbers would run into one another."""
    titles = tuple((clean(column.title),) for column in table.columns)
    names, *numbers = _texts(table)
    label = _label(max(map(cell_len, (*names, titles[0][0]))), pane) + 1
    width = (pane - MARGIN - label) // max(len(numbers), 1)
    least = max(HEAT_LEAST, *(cell_len(text) + 1 for texts in numbers for text in texts), 0)
    if width < least:
        longest_title = max((cell_len(title) + 1 for (title,) in titles[1:]), default=0)
        width = max(least, min(longest_title, HEAT_SCROLLED))
    width = min(width, max(HEAT_MOST, least))
    tall = min(max((lines - 1) // max(len(table.rows), 1), 1), HEAT_TALLEST, max(width // 3, 1))
    return CellLayout((label, *[width] * (len(table.columns) - 1)), titles, pane, tall)


def _label(width: int, pane: int) -> int:
    return max(min(width, pane * 2 // 5), LABEL_LEAST)


def _folded(column: Column, narrowest: int, widest: int) -> int:
    """The least width of a column with its title on at most two lines."""
    widths = range(max(narrowest, LABEL_LEAST), widest)
    return next((width for width in widths if max(map(cell_len, title_lines(column, width))) <= width), widest)


def _texts(table: Table) -> Iterator[list[str]]:
    """The cells of each column as text."""
    for index, column in enumerate(table.columns):
        yield [cell_text(row[index], column.kind) for row in table.rows[:MEASURED]]
