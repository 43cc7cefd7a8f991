"""How one line of the neuron table is drawn: the neuron's name and its tokens stay, the figures between them scroll."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from mechamap.tables.numbers import NONE
from mechamap_tui.browse.table.columns import TOKENS, Column
from mechamap_tui.browse.table.order import SortKey
from mechamap_tui.terminal.terminal_text import pad

__all__ = ["MARGIN", "LineLayout", "LineStyles", "draw_header", "draw_neuron", "lay_out", "scrolled"]


MARGIN = 2  # cells in front of a line: the cursor's sign and the mark's; one more where there are checks to show
CURSOR, MARK = "▸", "●"
TOKENS_LEAST = 18
DOWN, UP = "▼", "▲"
MORE_LEFT, MORE_RIGHT = "‹", "›"


@dataclass(frozen=True, slots=True)
class LineLayout:
    """Where the columns stand: each one's left edge within a line, and where the last one ends.

    The first ``fixed`` columns stay at the left of the ``pane`` and the last one at its right; what is between them
    scrolls where it does not fit.
    """

    columns: tuple[Column, ...]
    edges: tuple[int, ...]
    fixed: int
    pane: int  # cells there are

    @property
    def width(self) -> int:
        return self.edges[-1]

    @property
    def margin(self) -> int:
        return self.edges[0]

    @property
    def left(self) -> int:
        """Where the columns that scroll begin."""
        return self.edges[self.fixed]

    @property
    def right(self) -> int:
        """The cell of the pane at which the last column begins."""
        return min(self.pane - (self.width - self.edges[-2]), self.edges[-2])

    def whole(self, scroll_x: int) -> tuple[int, int]:
        """The stretch of a scrolled line that shows whole columns only: where it begins and ends."""
        start, stop = self.left + scroll_x, self.right + scroll_x
        edges = self.edges[self.fixed : -1]
        first = next((edge for edge in edges if edge >= start), stop)
        last = next((edge for edge in reversed(edges) if edge <= stop), start)
        return first, max(first, last)

    def column_at(self, x: int, scroll_x: int) -> int | None:
        """The column under a cell of the pane."""
        if x >= self.right:
            return len(self.columns) - 1 if x < self.right + self.width - self.edges[-2] else None
        x = x if x < self.left else x + scroll_x
        found = [i for i in range(len(self.columns)) if self.edges[i] <= x < self.edges[i + 1]]
        return found[0] if found else (0 if x < self.margin else None)


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


def lay_out(columns: Sequence[Column], width: int, margin: int = MARGIN) -> LineLayout:
    """Give each column its place in ``width`` cells; the token column takes what is left, but never too little.

    Where not everything fits, what is left is what the figures leave that can be seen whole before any scrolling.
    """
    edges = list(accumulate((column.width for column in columns[:-1]), initial=margin))
    fixed = next((i for i, column in enumerate(columns) if column.key == "neuron"), -1) + 1
    seen = max((edge for edge in edges[fixed:] if edge <= width - TOKENS_LEAST), default=edges[fixed])
    edges.append(edges[-1] + max(width - seen, TOKENS_LEAST))
    return LineLayout(tuple(columns), tuple(edges), fixed, width)


def draw_header(
    layout: LineLayout, keys: Sequence[SortKey], cursor: int, styles: LineStyles, scroll_x: int
) -> list[Segment]:
    """The titles: an arrow where it is sorted, the column under the cursor marked, signs where more is hidden."""
    first, last = layout.whole(scroll_x) if layout.width > layout.pane else (layout.left, layout.edges[-2])
    more_left, more_right = first > layout.left, last < layout.edges[-2]
    segments = [Segment((MORE_LEFT if more_left else "").ljust(layout.margin), styles.header)]
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
            segments += [Segment(f"{MORE_RIGHT if more_right else ' '} ", styles.header), Segment(title, style)]
            segments.append(Segment(" " * max(width - 2 - len(title), 0), styles.header))
        else:
            title = title[-width:]
            segments += [Segment(" " * (width - len(title)), styles.header), Segment(title, style)]
    return segments


def draw_neuron(
    layout: LineLayout, row: int, tokens: str, styles: LineStyles, *, under_cursor: bool, marked: bool, check: str = ""
) -> list[Segment]:
    """One neuron's line; ``check`` is the sign of what came of checking it."""
    base = styles.cursor if under_cursor else styles.base
    segments = [Segment(CURSOR if under_cursor else " ", base), Segment(MARK if marked else " ", base + styles.mark)]
    if layout.margin > MARGIN:
        segments.append(Segment(check.ljust(layout.margin - MARGIN), base + styles.mark))
    for i, column in enumerate(layout.columns):
        width = layout.edges[i + 1] - layout.edges[i]
        if column.key == TOKENS:
            segments.append(Segment("  " + pad(tokens, width - 2), base))
            continue
        text = column.cell(row)
        style = base
        if not under_cursor:
            if i < layout.fixed:
                style = styles.name
            elif text == NONE:
                style = styles.dim
            elif column.warns(row):
                style = styles.falling
        segments.append(Segment(text.rjust(width), style))
    return segments


def scrolled(segments: list[Segment], layout: LineLayout, scroll_x: int, base: Style) -> Strip:
    """The part of a line that the pane shows."""
    line = Strip(segments)
    if layout.width > layout.pane:
        # A number cut in half beside another would be read as one number with it: show whole cells only.
        first, last = layout.whole(scroll_x)
        before = Strip([Segment(" " * (first - layout.left - scroll_x), base)])
        after = Strip([Segment(" " * (layout.right + scroll_x - last), base)])
        tokens = line.crop(layout.edges[-2], layout.width)
        line = Strip.join([line.crop(0, layout.left), before, line.crop(first, last), after, tokens])
    return line.adjust_cell_length(layout.pane, base)
