"""How one line of the neuron table is drawn: the neuron's name and its tokens stay, the figures in between scroll."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate

import numpy as np
from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from mechamap.tables.numbers import NONE
from mechamap_tui.browse.table.columns import TOKENS, Column
from mechamap_tui.browse.table.order import SortKey
from mechamap_tui.terminal.terminal_text import fit, pad
from mechamap_tui.widgets.glyphs import CURSOR, DOWN, MARK, MORE_LEFT, MORE_RIGHT, UP

__all__ = ["MARGIN", "LineLayout", "NeuronLines", "lay_out"]


MARGIN = 2  # cells in front of a line: the cursor's sign and the mark's; one more in a run with checks
TOKENS_LEAST = 18
REST = Column("", "", 0, lambda: np.empty(0), str)  # what stands in place of the tokens where they are hidden
REST_LEAST = 2


@dataclass(frozen=True, slots=True)
class LineLayout:
    """The columns' positions: each one's left edge within a line, and where the last one ends.

    The first ``fixed`` columns stay at the left of the ``pane`` and the last one at its right; what is between them
    scrolls where it does not fit.
    """

    columns: tuple[Column, ...]
    edges: tuple[int, ...]
    fixed: int
    pane: int  # cells available

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
        if x < self.margin:
            return 0
        return next((i for i in range(len(self.columns)) if self.edges[i] <= x < self.edges[i + 1]), None)


def lay_out(columns: Sequence[Column], width: int, margin: int = MARGIN, keys: Sequence[SortKey] = ()) -> LineLayout:
    """Place each column in ``width`` cells; the token column takes what is left, but never too little.

    Where not everything fits, what is left is what the figures leave that can be seen whole before any scrolling.
    """
    if columns[-1].key != TOKENS:
        columns = (*columns, REST)
    least = TOKENS_LEAST if columns[-1].key == TOKENS else REST_LEAST
    edges = list(accumulate((_width(column, keys) for column in columns[:-1]), initial=margin))
    fixed = next((i for i, column in enumerate(columns) if column.key == "neuron"), -1) + 1
    seen = max((edge for edge in edges[fixed:] if edge <= width - least), default=edges[fixed])
    edges.append(edges[-1] + max(width - seen, least))
    return LineLayout(tuple(columns), tuple(edges), fixed, width)


@dataclass(frozen=True, slots=True)
class NeuronLines:
    """The columns in their places and how a line of them is drawn.

    Attributes:
        look: a style by its name: base, header, header-cursor, cursor, name, falling, mark, dim.
    """

    layout: LineLayout
    look: Callable[[str], Style]

    def header(self, keys: Sequence[SortKey], cursor: int, scroll_x: int) -> Strip:
        """The titles: an arrow where it is sorted, the column under the cursor marked, signs where more is hidden."""
        layout, base = self.layout, self.look("header")
        first, last = layout.whole(scroll_x) if layout.width > layout.pane else (layout.left, layout.edges[-2])
        more_left = MORE_LEFT if first > layout.left else ""
        more_right = MORE_RIGHT if last < layout.edges[-2] else " "
        segments = [Segment(more_left.ljust(layout.margin), base)]
        for i, column in enumerate(layout.columns):
            width = layout.edges[i + 1] - layout.edges[i]
            arrow = _arrow(column, keys)
            title = fit(column.title, width - 1 - len(arrow)) + arrow if column.cut else column.title + arrow
            style = self.look("header-cursor") if i == cursor else base
            if not column.width:
                segments += [Segment(f"{more_right} ", base), Segment(title, style)]
                segments.append(Segment(" " * max(width - 2 - len(title), 0), base))
            else:
                segments += [Segment(" " * (width - len(title)), base), Segment(title, style)]
        return self._scrolled(segments, scroll_x, base)

    def neuron(self, row: int, tokens: str, signs: tuple[bool, str], scroll_x: int, *, under_cursor: bool) -> Strip:
        """One neuron's line.

        Args:
            signs: whether it is marked, and the sign of what came of checking it.
        """
        layout, base = self.layout, self.look("cursor" if under_cursor else "base")
        marked, check = signs
        on_sign = base + self.look("mark")
        segments = [Segment(CURSOR if under_cursor else " ", base), Segment(MARK if marked else " ", on_sign)]
        if layout.margin > MARGIN:
            segments.append(Segment(check.ljust(layout.margin - MARGIN), on_sign))
        for i, column in enumerate(layout.columns):
            width = layout.edges[i + 1] - layout.edges[i]
            if not column.width:
                segments.append(Segment("  " + pad(tokens, width - 2), base))
                continue
            text = fit(column.cell(row), width - 1) if column.cut else column.cell(row)
            segments.append(Segment(text.rjust(width), base if under_cursor else self._style(i, row, text)))
        return self._scrolled(segments, scroll_x, base)

    def _style(self, column: int, row: int, text: str) -> Style:
        if column < self.layout.fixed:
            return self.look("base") + self.look("name")
        if text == NONE:
            return self.look("dim")
        return self.look("falling" if self.layout.columns[column].warns(row) else "base")

    def _scrolled(self, segments: list[Segment], scroll_x: int, base: Style) -> Strip:
        """The part of a line that the pane shows."""
        layout, line = self.layout, Strip(segments)
        if layout.width > layout.pane:
            # A number cut in half beside another would be read as one number with it: show whole cells only.
            first, last = layout.whole(scroll_x)
            before = Strip([Segment(" " * (first - layout.left - scroll_x), base)])
            after = Strip([Segment(" " * (layout.right + scroll_x - last), base)])
            tokens = line.crop(layout.edges[-2], layout.width)
            line = Strip.join([line.crop(0, layout.left), before, line.crop(first, last), after, tokens])
        return line.adjust_cell_length(layout.pane, base)


def _width(column: Column, keys: Sequence[SortKey]) -> int:
    """A column's cells: some have no room for their title and the place of their sort."""
    arrow = _arrow(column, keys)
    return max(column.width, cell_len(column.title) + 3) if len(arrow) > 1 and not column.cut else column.width


def _arrow(column: Column, keys: Sequence[SortKey]) -> str:
    """The direction in which a column sorts the neurons, and, where several do, its place among them."""
    for place, key in enumerate(keys, start=1):
        if key.column == column.key:
            return (DOWN if key.descending else UP) + (str(place) if len(keys) > 1 else "")
    return ""
