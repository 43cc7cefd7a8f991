"""How one line of the neuron table is drawn: cells in columns, the first ones fixed while the rest scrolls sideways."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from mechamap_tui.neuron_columns import TOKENS, Column
from mechamap_tui.neuron_order import SortKey
from mechamap_tui.terminal_text import pad

__all__ = ["MARGIN", "LineLayout", "LineStyles", "draw_header", "draw_neuron", "lay_out"]

MARGIN = 2  # cells in front of a line: the cursor's sign and the mark's
CURSOR, MARK = "▸", "●"
TOKENS_LEAST = 18
DOWN, UP = "▼", "▲"


@dataclass(frozen=True, slots=True)
class LineLayout:
    """Where the columns stand: each one's left edge within a line, and where the last one ends."""

    columns: tuple[Column, ...]
    edges: tuple[int, ...]
    fixed: int  # columns that do not scroll

    @property
    def width(self) -> int:
        return self.edges[-1]

    @property
    def fixed_width(self) -> int:
        return self.edges[self.fixed]

    def column_at(self, x: int, scroll_x: int) -> int | None:
        """The column under a cell of the pane."""
        x = x if x < self.fixed_width else x + scroll_x
        found = [i for i in range(len(self.columns)) if self.edges[i] <= x < self.edges[i + 1]]
        return found[0] if found else (0 if x < MARGIN else None)


@dataclass(frozen=True, slots=True)
class LineStyles:
    """The styles a line is drawn with."""

    base: Style
    header: Style
    header_cursor: Style
    cursor: Style
    name: Style
    falling: Style
    mark: Style
    dim: Style


def lay_out(columns: Sequence[Column], width: int) -> LineLayout:
    """Give each column its place in ``width`` cells; the token column takes what is left, but never too little."""
    taken = MARGIN + sum(column.width for column in columns)
    edges = [MARGIN]
    for column in columns:
        edges.append(edges[-1] + (column.width or max(TOKENS_LEAST, width - taken)))
    fixed = next((i for i, column in enumerate(columns) if column.key == "neuron"), -1) + 1
    return LineLayout(tuple(columns), tuple(edges), fixed)


def draw_header(layout: LineLayout, keys: Sequence[SortKey], cursor: int, styles: LineStyles) -> list[Segment]:
    """The titles; an arrow where the table is sorted, and the column under the cursor marked."""
    segments = [Segment(" " * MARGIN, styles.header)]
    for i, column in enumerate(layout.columns):
        width = layout.edges[i + 1] - layout.edges[i]
        arrow = next(
            (
                (DOWN if key.descending else UP) + ("" if place == 0 else "²")
                for place, key in enumerate(keys)
                if key.column == column.key
            ),
            "",
        )
        title = f"{column.title}{arrow}"
        style = styles.header_cursor if i == cursor else styles.header
        if column.key == TOKENS:
            segments += [Segment("  ", styles.header), Segment(title, style)]
            segments.append(Segment(" " * max(width - 2 - len(title), 0), styles.header))
        else:
            title = title[-width:]
            segments += [Segment(" " * (width - len(title)), styles.header), Segment(title, style)]
    return segments


def draw_neuron(
    layout: LineLayout, row: int, tokens: str, styles: LineStyles, *, under_cursor: bool, marked: bool
) -> list[Segment]:
    """One neuron's line."""
    base = styles.cursor if under_cursor else styles.base
    segments = [Segment(CURSOR if under_cursor else " ", base), Segment(MARK if marked else " ", base + styles.mark)]
    for i, column in enumerate(layout.columns):
        width = layout.edges[i + 1] - layout.edges[i]
        if column.key == TOKENS:
            segments.append(Segment("  " + pad(tokens, width - 2), base))
            continue
        value = float(column.values()[row])
        style = base
        if not under_cursor:
            if i < layout.fixed:
                style = styles.name
            elif math.isnan(value):
                style = styles.dim
            elif column.signed and value < 0:
                style = styles.falling
        segments.append(Segment(column.text(value).rjust(width), style))
    return segments


def scrolled(segments: list[Segment], layout: LineLayout, scroll_x: int, width: int, base: Style) -> Strip:
    """The part of a line that the pane shows."""
    line = Strip(segments)
    if scroll_x:
        fixed = layout.fixed_width
        start = fixed + scroll_x
        # A number cut in half beside the neuron's would be read as one number: show whole cells only.
        whole = next((edge for edge in layout.edges if edge >= start), start)
        gap = Strip([Segment(" " * (whole - start), base)])
        line = Strip.join([line.crop(0, fixed), gap, line.crop(whole, max(start + width - fixed, whole))])
    return line.adjust_cell_length(width, base)
