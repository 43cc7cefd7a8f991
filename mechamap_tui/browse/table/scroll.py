"""Neurons under one another: only the lines that can be seen are drawn, straight from a run's arrays."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from rich.segment import Segment
from textual.cache import LRUCache
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from mechamap.runs.run import Run
from mechamap_tui.browse.table.columns import Column, token_summary
from mechamap_tui.browse.table.lines import MARGIN, LineLayout, LineStyles, draw_header, draw_neuron, lay_out, scrolled
from mechamap_tui.browse.table.order import NeuronOrder

__all__ = ["HEADER", "NeuronScroll"]


HEADER = 1  # lines that stay while the rest scrolls


class NeuronScroll(ScrollView, can_focus=True, inherit_bindings=False):
    """A header and the neurons of an order, one of them under the cursor.

    The cursor is a neuron, not a line: it stays on it through sort, filter and arriving layers, and where a filter
    hides it, it comes back with it.
    """

    ALLOW_SELECT = False  # a double click opens a neuron

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "neurons--header", "neurons--header-cursor", "neurons--cursor", "neurons--name", "neurons--falling",
        "neurons--mark", "neurons--dim",
    }  # fmt: skip

    DEFAULT_CSS = """
    NeuronScroll {
        scrollbar-size-vertical: 1; scrollbar-size-horizontal: 0; scrollbar-gutter: stable;
        .neurons--header { color: $foreground 70%; text-style: bold; }
        .neurons--header-cursor { text-style: bold underline; }
        .neurons--cursor { background: $block-cursor-blurred-background; }
        .neurons--name { text-style: bold; }
        .neurons--falling { color: $text-warning; }
        .neurons--mark { color: $text-success; text-style: bold; }
        .neurons--dim { color: $foreground 60%; }
        &:focus .neurons--header-cursor { text-style: bold reverse; }
        &:focus .neurons--cursor { background: $block-cursor-background; color: $block-cursor-foreground;
                                   text-style: bold; }
    }
    """

    @dataclass
    class NeuronHighlighted(Message):
        """The cursor stands on another neuron (None: the table is empty)."""

        row: int | None

    @dataclass
    class OrderChanged(Message):
        """Other neurons are shown, or in another order."""

    def __init__(self, run: Run, category: str, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.run = run
        self.category = category
        self.order: NeuronOrder
        self.marked: set[int] = set()
        self.column = 0  # under the cursor
        self._columns: tuple[Column, ...] = ()
        self._check_sign: Callable[[int], str] | None = None
        self._anchor: int | None = None  # the neuron the user stands on, shown or not
        self._place = 0  # the cursor's line
        self._layout: LineLayout | None = None
        self._styles: LineStyles | None = None
        self._strips: LRUCache[tuple[object, ...], Strip] = LRUCache(1024)
        self._last_highlight: int | None = -1

    @property
    def cursor_row(self) -> int | None:
        """The neuron under the cursor."""
        return int(self.order.rows[self._place]) if self._place < len(self.order) else None

    def refresh_marks(self) -> None:
        self._strips.clear()
        self.refresh()

    def reordered(self) -> None:
        """Take over the order: the cursor stays on its neuron, and its neuron on its line of the screen."""
        line = self._place - self.scroll_offset.y
        place = self.order.place_of(self._anchor) if self._anchor is not None else 0
        self._place = 0 if place is None else place
        self._resize()
        self._strips.clear()
        if self.scroll_offset.y > 0 or self._place >= self._page:
            self.scroll_to(y=max(self._place - max(line, 0), 0), animate=False)
        self._show_cursor()
        self.refresh()
        self._highlight()
        self.post_message(self.OrderChanged())

    # --- drawing ---------------------------------------------------------------------------------------------

    def render_line(self, y: int) -> Strip:
        width = self.scrollable_content_region.width
        styles = self._line_styles()
        if self._layout is None or not width:
            return Strip.blank(width, styles.base)
        scroll_x, scroll_y = self.scroll_offset
        if y < HEADER:
            header = draw_header(self._layout, self.order.keys, self.column, styles, scroll_x)
            return scrolled(header, self._layout, scroll_x, styles.header)
        place = scroll_y + y - HEADER
        if place >= len(self.order):
            text = self._empty_line() if y == HEADER + 1 and not len(self.order) else ""
            return Strip.blank(width, styles.base) if not text else self._text_strip(text, width, styles)
        row = int(self.order.rows[place])
        under_cursor = place == self._place
        key = (row, under_cursor, scroll_x, width)
        strip = self._strips.get(key)
        if strip is None:
            segments = draw_neuron(
                self._layout,
                row,
                token_summary(self.run, row, self.category),
                styles,
                under_cursor=under_cursor,
                marked=row in self.marked,
                check=self._check_sign(row) if self._check_sign is not None else "",
            )
            base = styles.cursor if under_cursor else styles.base
            strip = scrolled(segments, self._layout, scroll_x, base)
            self._strips[key] = strip
        return strip

    def _text_strip(self, text: str, width: int, styles: LineStyles) -> Strip:
        return Strip([Segment(f"  {text}", styles.dim)]).adjust_cell_length(width, styles.base)

    def _empty_line(self) -> str:
        if not self.order.available:
            return "No layer is finished yet."
        return "No neuron passes the filter. N clears it."

    def _line_styles(self) -> LineStyles:
        if self._styles is None:
            style = self.get_component_rich_style
            self._styles = LineStyles(
                base=self.rich_style,
                header=style("neurons--header"),
                header_cursor=style("neurons--header-cursor"),
                cursor=style("neurons--cursor"),
                name=style("neurons--name"),
                falling=style("neurons--falling"),
                mark=style("neurons--mark", partial=True),
                dim=style("neurons--dim"),
            )
        return self._styles

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._styles = None
        self._strips.clear()

    # --- moving ----------------------------------------------------------------------------------------------

    @property
    def _page(self) -> int:
        return max(self.scrollable_content_region.height - HEADER, 1)

    def _move_to(self, place: int) -> None:
        place = min(max(place, 0), len(self.order) - 1)
        if place < 0:
            return
        before, self._place = self._place, place
        self._anchor = int(self.order.rows[place])
        self._show_cursor()
        for changed in {before, place}:
            self.refresh(Region(0, changed - self.scroll_offset.y + HEADER, self.size.width, 1))
        self._highlight()

    def _show_cursor(self) -> None:
        top = self.scroll_offset.y
        if self._place < top:
            self.scroll_to(y=self._place, animate=False)
        elif self._place >= top + self._page:
            self.scroll_to(y=self._place - self._page + 1, animate=False)

    def _highlight(self) -> None:
        row = self.cursor_row
        if self._anchor is None:
            self._anchor = row
        if row != self._last_highlight:
            self._last_highlight = row
            self.post_message(self.NeuronHighlighted(row))

    def _show_column(self) -> None:
        layout = self._layout
        if layout is None or not layout.fixed <= self.column < len(layout.columns) - 1:
            return  # it is always in view
        left, right = layout.edges[self.column], layout.edges[self.column + 1]
        x = self.scroll_offset.x
        if right - x > layout.right:
            self.scroll_to(x=right - layout.right, animate=False)
        elif left - x < layout.left:
            self.scroll_to(x=left - layout.left, animate=False)

    # --- size ------------------------------------------------------------------------------------------------

    def _resize(self) -> None:
        width = self.scrollable_content_region.width
        margin = MARGIN if self._check_sign is None else MARGIN + 1
        self._layout = lay_out(self._columns, width, margin)
        self.virtual_size = Size(self._layout.width, len(self.order) + HEADER)

    def on_mount(self) -> None:
        self.reordered()

    def on_resize(self) -> None:
        self._resize()
        self._strips.clear()
        self._show_cursor()
        self.refresh()
