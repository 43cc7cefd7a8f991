"""Heat maps, drawn by plotext: a character per value, its colour saying how much and which way, widened to a cell.

plotext has one figure for the whole process, so this must be called on the UI's thread only; it is imported when the
first picture is drawn.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from rich.cells import cell_len
from rich.color import Color
from rich.segment import Segment
from rich.style import Style
from rich.text import Text

from mechamap.tables.table import Cell, Table
from mechamap_tui.report.table.cell_layout import MEASURED
from mechamap_tui.report.table.cell_text import cell_text
from mechamap_tui.widgets.bars import BLUE, ORANGE

__all__ = ["RGB", "HeatMap", "heat_map", "shade"]


RGB: TypeAlias = tuple[int, int, int]


def shade(value: float | None, limit: float, ground: RGB, *, least: float = 0.0) -> RGB:
    """The colour of a value: ``ground`` at 0 and where it is missing, full blue at ``limit``, full orange at -limit.

    ``least`` is how strong the colour of the smallest value is, from which on it grows.
    """
    if not value or limit <= 0:
        return ground
    strength = least + (1 - least) * min(abs(value) / limit, 1.0)
    red, green, blue = (
        round(low + (high - low) * strength) for low, high in zip(ground, BLUE if value > 0 else ORANGE, strict=True)
    )
    return red, green, blue


def heat_map(colours: Sequence[Sequence[RGB]]) -> list[list[Color]]:
    """What plotext draws of ``colours``, ``[rows][columns]``: the colour of each character of the picture."""
    import plotext

    rows, columns = len(colours), len(colours[0]) if colours else 0
    if not columns:
        return [[] for _ in colours]
    plotext.terminal.limit(False, False)  # else a picture larger than the terminal would lose rows
    figure = plotext.figure
    figure.clear()
    figure.plot_size(columns, rows)
    figure.theme("simple")
    figure.axes(False)
    figure.draw(figure.heatmap([list(row) for row in colours]))
    for axis, size in (("x", columns), ("y", rows)):
        figure.ruler(axis).frequency(0)
        figure.ruler(axis).lim(0, max(size - 1, 1))
    lines = Text.from_ansi(str(figure.build())).split("\n")
    return [_colours(line) for line in lines[:rows]]


def _colours(line: Text) -> list[Color]:
    """The colour of each character of a line."""
    colours = [Color.default()] * len(line)
    for span in line.spans:
        colour = getattr(span.style, "color", None)
        if colour is not None:
            colours[span.start : span.end] = [colour] * (span.end - span.start)
    return colours


ONE = 0.2  # of the full colour: even in 256 colours, a count of one never looks like none
BAND = 32  # rows of one picture; a table has as many pictures as it needs
NO_VALUE = "·"
DARK, LIGHT = Color.from_rgb(0, 0, 0), Color.from_rgb(255, 255, 255)


class HeatMap:
    """A table's colours, drawn when they are first seen.

    Args:
        table: one that can be drawn so.
        ground: the colour of nothing.
    """

    def __init__(self, table: Table, ground: RGB) -> None:
        self.table = table
        self.ground = ground
        values = [abs(value) for row in table.rows for value in map(_number, row[1:]) if value is not None]
        self._limit = table.limit if table.limit is not None else max(values, default=0.0)
        self._least = ONE if all(column.kind == "count" for column in table.columns[1:]) else 0.0
        self._bands: dict[int, list[list[Color]]] = {}
        self._digits: int | None = None

    def cell(self, row: int, column: int, width: int, *, middle: bool, over: Style | None = None) -> Segment:
        """One line of a cell: its colour, with its number on the ``middle`` one where there is room.

        Args:
            over: the cursor's style, which takes the place of the colour.
        """
        colour = self._colour(row, column - 1)
        text = self._text(row, column, width) if middle else ""
        ink = DARK if _is_light(colour) else LIGHT
        style = over if over is not None else Style(color=ink, bgcolor=colour)
        text = text.rjust(min(self._longest(), width)) if text else ""  # digits stand under one another
        before = (width - cell_len(text) + 1) // 2
        return Segment(" " * before + text + " " * (width - before - cell_len(text)), style)

    def _text(self, row: int, column: int, width: int) -> str:
        cell = self.table.rows[row][column]
        if cell is None:
            return NO_VALUE
        text = cell_text(cell, self.table.columns[column].kind)
        return text if cell_len(text) <= width else ""

    def _longest(self) -> int:
        """The width of the longest number that was measured."""
        if self._digits is None:
            kinds = [column.kind for column in self.table.columns]
            rows = self.table.rows[:MEASURED]
            cells = (cell for row in rows for cell in zip(row[1:], kinds[1:], strict=True) if cell[0] is not None)
            self._digits = max((cell_len(cell_text(value, kind)) for value, kind in cells), default=0)
        return self._digits

    def _colour(self, row: int, column: int) -> Color:
        band, line = divmod(row, BAND)
        if band not in self._bands:
            rows = self.table.rows[band * BAND : (band + 1) * BAND]
            self._bands[band] = heat_map(
                [
                    [shade(_number(cell), self._limit, self.ground, least=self._least) for cell in row[1:]]
                    for row in rows
                ]
            )
        return self._bands[band][line][column]


def _number(cell: Cell) -> float | None:
    return float(cell) if isinstance(cell, int | float) else None


def _is_light(colour: Color) -> bool:
    red, green, blue = colour.get_truecolor()
    return 299 * red + 587 * green + 114 * blue > 128_000
