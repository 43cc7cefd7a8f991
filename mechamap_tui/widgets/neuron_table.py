"""The neuron table: draws only the lines that can be seen, straight from a run's arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from rich.segment import Segment
from textual import events
from textual.binding import Binding, BindingType
from textual.cache import LRUCache
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from mechamap.run import Run
from mechamap_tui.neuron_columns import (
    ALL_CATEGORIES,
    CATEGORY_KEYS,
    TOKENS,
    Column,
    category_columns,
    overview_columns,
    token_summary,
)
from mechamap_tui.neuron_order import NeuronOrder, SortKey
from mechamap_tui.widgets.neuron_lines import LineLayout, LineStyles, draw_header, draw_neuron, lay_out, scrolled

__all__ = ["NeuronTable"]

HEADER = 1  # lines that stay while the rest scrolls


class NeuronTable(ScrollView, can_focus=True, inherit_bindings=False):
    """Neurons of a run, sorted and filtered. The cursor is a neuron, not a line: it stays on it whatever moves."""

    ALLOW_SELECT = False  # a double click opens a neuron

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open", "open"),
        Binding("s", "sort", "sort"),
        Binding("S", "sort_second", "second sort", show=False),
        Binding("v", "overview", "all categories", show=False),
        Binding("down,j", "move(1)", "down", show=False),
        Binding("up,k", "move(-1)", "up", show=False),
        Binding("pagedown,ctrl+f", "page(1.0)", "page down", show=False),
        Binding("pageup", "page(-1.0)", "page up", show=False),
        Binding("ctrl+d", "page(0.5)", "half a page down", show=False),
        Binding("ctrl+u", "page(-0.5)", "half a page up", show=False),
        Binding("g,home", "first", "first", show=False),
        Binding("G,end", "last", "last", show=False),
        Binding("left,h", "column(-1)", "column to the left", show=False),
        Binding("right,l", "column(1)", "column to the right", show=False),
    ]

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "neurons--header", "neurons--header-cursor", "neurons--cursor", "neurons--name", "neurons--falling",
        "neurons--mark", "neurons--dim",
    }  # fmt: skip

    DEFAULT_CSS = """
    NeuronTable {
        scrollbar-size-vertical: 1; scrollbar-gutter: stable;
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
    class NeuronOpened(Message):
        """A neuron was asked for."""

        row: int

    @dataclass
    class OrderChanged(Message):
        """Other neurons are shown, or in another order."""

    def __init__(self, run: Run, category: str, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.run = run
        self.category = category
        self.marked: set[int] = set()
        self.overview = False
        default = next((key for key, figure in (("reads", "selectivity"), ("mean", "mean")) if run.has(figure)), "")
        self.order = NeuronOrder(run.neurons, self._values, (SortKey(default or "layer", bool(default)),))
        self.column = 0
        self._anchor: int | None = None  # the neuron the user stands on, shown or not
        self._place = 0  # the cursor's line
        self._columns: tuple[Column, ...] = ()
        self._layout: LineLayout | None = None
        self._styles: LineStyles | None = None
        self._strips: LRUCache[tuple[object, ...], Strip] = LRUCache(1024)
        self._last_highlight: int | None = -1
        self._make_columns()
        self.column = self._names()  # under the cursor: the first column that is no part of the name

    # --- what is asked of it ---------------------------------------------------------------------------------

    @property
    def cursor_row(self) -> int | None:
        """The neuron under the cursor."""
        return int(self.order.rows[self._place]) if self._place < len(self.order) else None

    @property
    def columns(self) -> tuple[Column, ...]:
        return self._columns

    def column_title(self, key: str) -> str:
        """What a column is called, also one that is not on the screen now."""
        name = key.removeprefix(ALL_CATEGORIES)
        return next((column.title for column in self._columns if column.key == key), name)

    def show_category(self, category: str, *, stay: bool = False) -> None:
        """Show another category's figures.

        Where the table is sorted by one of them the cursor goes to the top, to the best neuron of the category,
        unless it is to ``stay`` on its neuron.
        """
        self.category = category
        self._make_columns()
        if any(key.column in CATEGORY_KEYS for key in self.order.keys):
            if not stay:
                self._anchor, self._place = None, 0
                self.scroll_to(y=0, animate=False)
            self.order.values_changed()
        self.reordered()

    def show_available(self, mask: NDArray[np.bool_] | None) -> None:
        """Layers have arrived: show their neurons too."""
        self.order.set_available(mask)
        self._make_columns()
        self.reordered()

    def show_only(self, name: str, mask: NDArray[np.bool_] | None) -> None:
        """Set a filter, or take it away (None)."""
        if mask is None and name not in self.order.filters:
            return
        self.order.set_filter(name, mask)
        self.reordered()

    def go_to(self, row: int) -> bool:
        """Put the cursor on a neuron; False where the table does not show it."""
        place = self.order.place_of(row)
        if place is not None:
            self._move_to(place)
        return place is not None

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
            header = draw_header(self._layout, self.order.keys, self.column, styles)
            return scrolled(header, self._layout, scroll_x, width, styles.header)
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
            )
            base = styles.cursor if under_cursor else styles.base
            strip = scrolled(segments, self._layout, scroll_x, width, base)
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

    def action_move(self, lines: int) -> None:
        self._move_to(self._place + lines)

    def action_page(self, pages: float) -> None:
        self._move_to(self._place + round(pages * self._page))

    def action_first(self) -> None:
        self._move_to(0)

    def action_last(self) -> None:
        self._move_to(len(self.order) - 1)

    def action_open(self) -> None:
        if (row := self.cursor_row) is not None:
            self.post_message(self.NeuronOpened(row))

    # --- sorting and columns ---------------------------------------------------------------------------------

    def action_sort(self) -> None:
        self.sort_by(self.column)

    def sort_by(self, column: int) -> None:
        """Sort by a column of the screen: down, then up, then as it was."""
        self.order.cycle(self._columns[column].key)
        self.reordered()

    def action_sort_second(self) -> None:
        self.order.cycle_second(self._columns[self.column].key)
        self.reordered()

    def action_overview(self) -> None:
        """Change between one category's figures and the selectivity for all."""
        self.overview = not self.overview
        self._make_columns()
        self._strips.clear()
        self._resize()
        self._show_column()
        self.refresh()
        self.post_message(self.OrderChanged())

    def action_column(self, columns: int) -> None:
        self.column = min(max(self.column + columns, 0), len(self._columns) - 1)
        self._show_column()
        self.refresh()

    def _make_columns(self) -> None:
        one, all_ = category_columns(self.run, self.category), overview_columns(self.run, self.category)
        self._by_key = {column.key: column for column in (*all_, *one)}
        self._columns = all_ if self.overview else one
        self.column = min(self.column, len(self._columns) - 1)
        self._strips.clear()

    def _names(self) -> int:
        """How many columns name the neuron."""
        return 1 + [column.key for column in self._columns].index("neuron")

    def _values(self, key: str) -> NDArray[Any]:
        found = self._by_key.get(key)
        return found.values() if found is not None else np.zeros(self.run.neurons, dtype=np.int8)

    def _show_column(self) -> None:
        if self._layout is None or self.column < self._layout.fixed:
            return
        left, right = self._layout.edges[self.column], self._layout.edges[self.column + 1]
        pane = self.scrollable_content_region.width
        x = self.scroll_offset.x
        if right - x > pane:
            self.scroll_to(x=right - pane, animate=False)
        elif left - x < self._layout.fixed_width:
            self.scroll_to(x=left - self._layout.fixed_width, animate=False)

    # --- size and mouse --------------------------------------------------------------------------------------

    def _resize(self) -> None:
        width = self.scrollable_content_region.width
        self._layout = lay_out(self._columns, width)
        self.virtual_size = Size(self._layout.width, len(self.order) + HEADER)

    def on_mount(self) -> None:
        self.reordered()

    def on_resize(self) -> None:
        self._resize()
        self._strips.clear()
        self._show_cursor()
        self.refresh()

    def on_click(self, event: events.Click) -> None:
        offset = event.get_content_offset(self)
        if offset is None or self._layout is None:
            return
        if offset.y < HEADER:
            column = self._layout.column_at(offset.x, self.scroll_offset.x)
            if column is not None:
                self.column = column
                self.sort_by(column)
            return
        place = self.scroll_offset.y + offset.y - HEADER
        if place >= len(self.order):
            return
        self._move_to(place)
        if event.chain == 2:
            self.action_open()

    def described(self, row: int) -> str:
        """A neuron's line as text to be pasted elsewhere."""
        figures = [
            f"{column.title} {column.text(float(column.values()[row]))}"
            for column in self._columns
            if column.key != TOKENS
        ]
        parts = [f"{self.run.neuron_name(row)} of {self.run.label}", self.category, *figures[2:]]
        return "\t".join([*(part for part in parts if part), token_summary(self.run, row, self.category)])
