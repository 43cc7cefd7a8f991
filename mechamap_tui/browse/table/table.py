"""The table of neurons: which are shown and in what order, for one category or for all, and what its keys do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.message import Message
from textual.strip import Strip

from mechamap.runs.run import Run
from mechamap_tui.browse.table.column_keys import ColumnKeys
from mechamap_tui.browse.table.columns import TOKENS, changes_with_category, default_sort, token_summary
from mechamap_tui.browse.table.lines import MARGIN, NeuronLines, lay_out
from mechamap_tui.browse.table.order import NeuronOrder, SortKey
from mechamap_tui.browse.table.sorting_beside import SortingBeside
from mechamap_tui.widgets.line_table import MOVE_KEYS

__all__ = ["NeuronTable"]


BESIDE_FROM = 250_000  # neurons; a sort of fewer takes less time than a frame or two


class NeuronTable(ColumnKeys, can_focus=True, inherit_bindings=False):
    """The neurons of a run: browsed, sorted by any columns, filtered, shown for one category or for all.

    A cursor that has been moved is a neuron, not a line: it stays on it through sort, filter and arriving layers, and
    where a filter hides it, it comes back with it. Until then it stays on the top line, on the best neuron there is.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open", "open"),
        Binding("s", "sort", "sort", tooltip="sort by this column, the other way, as before"),
        Binding("S", "sort_further", "further sort", tooltip="sort equal ones by this column too", show=False),
        Binding("v", "overview", "all categories", show=False),
        *ColumnKeys.BINDINGS,
        *MOVE_KEYS,
    ]

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

    def __init__(self, run: Run, category: str) -> None:
        super().__init__(run, category, id="neurons", classes="pane")
        self.marked: set[int] = set()
        default = default_sort(run)
        self.order = NeuronOrder(run.neurons, self._values, (default,), beside=run.neurons >= BESIDE_FROM)
        self.order.values_of(category)
        self._sorting = SortingBeside(self, self.order, self.reordered)
        self._held = self._reordered = False
        self._anchor: int | None = None  # the neuron that the user went to, shown or not
        self._highlighted: int | None = -1
        self._record = run.record  # whose figures the order was made of
        self.column = self._column_of(default)
        self._lines = NeuronLines(lay_out(self._columns, 0), self.look)

    # --- interface -------------------------------------------------------------------------------------------

    @property
    def cursor_row(self) -> int | None:
        """The neuron under the cursor."""
        return int(self.order.rows[self.cursor_index]) if self.cursor_index < len(self.order) else None

    def columns_changed(self) -> None:
        super().columns_changed()
        self.post_message(self.OrderChanged())

    @contextmanager
    def together(self) -> Iterator[None]:
        """Take over the order once, after all that is changed meanwhile."""
        self._held, self._reordered = True, False
        try:
            yield
        finally:
            self._held = False
            if self._reordered:
                self.reordered()

    @property
    def sortable(self) -> frozenset[str]:
        """The columns that it can be sorted by, shown or not."""
        return frozenset(self._by_key)

    def stay_on(self, row: int) -> None:
        """Take a neuron for the one that the user went to; the next order puts the cursor there."""
        self._anchor = row

    def go_to_column(self, key: str) -> None:
        """Put the column cursor on a column, if it is shown."""
        keys = [column.key for column in self._columns]
        if key in keys:
            self.column = keys.index(key)
            self.show_column()
            self.redraw()

    def show_overview(self, overview: bool) -> None:
        """Show the selectivity for all categories, or one category's figures."""
        if overview != self.overview:
            self.action_overview()

    def sort(self, *keys: SortKey) -> None:
        """Sort by some columns; as by default without any."""
        self.order.sort(*keys)
        self.reordered()

    def show_category(self, category: str, *, stay: bool = False) -> None:
        """Show another category's figures.

        Where the table is sorted by one of them the cursor goes to the top, to the best neuron of the category,
        unless it is to ``stay`` on its neuron.
        """
        self.category = category
        self._make_columns()
        others = any(changes_with_category(key.column) for key in self.order.keys)
        if others and not stay:
            self._anchor, self.cursor_index = None, 0
            self.scroll_to(y=0, animate=False)
        self.order.values_of(category, others=others)
        self.reordered()

    def show_available(self, mask: NDArray[np.bool_] | None) -> None:
        """Show layers or figures that have arrived."""
        self.order.set_available(mask)
        stands = SortKey(self._columns[self.column].key) == self.order.keys[0] == self.order.default[0]
        self._make_columns()
        self.order.set_default(default := default_sort(self.run))
        if stands:  # the column cursor stays on what the table is sorted by
            self.column = self._column_of(default)
        if self.run.record is not self._record:  # else nothing is new, and sorting a million neurons is felt
            self._record = self.run.record
            self.order.values_changed()
        self.reordered()

    def show_only(self, name: str, mask: NDArray[np.bool_] | None) -> None:
        """Set a filter, or remove it (None)."""
        if mask is None and name not in self.order.filters:
            return
        self.order.set_filter(name, mask)
        self.reordered()

    def go_to(self, row: int) -> bool:
        """Put the cursor on a neuron; False where the table does not show it."""
        if not self.order.shows(row):
            return False
        if self.order.waits or self._held:
            self._anchor = row
        elif (index := self.order.place_of(row)) is not None:
            self.move_to(index)
        return True

    def described(self, row: int) -> str:
        """A neuron's line as text for the clipboard."""
        columns = [column for column in self._columns[self._names() :] if column.key != TOKENS]
        figures = [f"{column.title} {column.cell(row)}" for column in columns]
        parts = [f"{self.run.neuron_name(row)} of {self.run.label}", self.category, *figures]
        return "\t".join([*(part for part in parts if part), token_summary(self.run, row, self.category)])

    def reordered(self) -> None:
        """Take over the order: a moved cursor stays on its neuron, and its neuron on its line of the screen."""
        if self._held:
            self._reordered = True
            return
        if self.order.waits:
            self._sorting.begin()
            self.lay_out()
            self.redraw()
            self.post_message(self.OrderChanged())
            return
        line = self.cursor_index - self.scroll_offset.y
        index = self.order.place_of(self._anchor) if self._anchor is not None else 0
        self.cursor_index = 0 if index is None else index
        self.lay_out()
        if self.scroll_offset.y > 0 or self.cursor_index >= self.page:
            self.scroll_to(y=max(self.cursor_index - max(line, 0), 0), animate=False)
        self.show_cursor()
        self.redraw()
        self._highlight()
        self.post_message(self.OrderChanged())

    # --- keys and clicks -------------------------------------------------------------------------------------

    def action_open(self) -> None:
        if (row := self.cursor_row) is not None:
            self._anchor = row
            self.post_message(self.NeuronOpened(row))

    def action_sort(self) -> None:
        """Sort by the column under the cursor: what matters most on top, then the other way, then as before."""
        column = self._columns[self.column]
        self.order.cycle(column.key, descending=not column.ascending)
        self.reordered()

    def action_sort_further(self) -> None:
        """Break ties by the column under the cursor: one way, then the other, then not at all."""
        column = self._columns[self.column]
        self.order.cycle_further(column.key, descending=not column.ascending)
        self.reordered()

    def header_clicked(self, x: int, *, shift: bool) -> None:
        column = self._lines.layout.column_at(x, self.scroll_offset.x)
        if column is not None and column < len(self._columns):
            self.column = column
            if shift:
                self.action_sort_further()
            else:
                self.action_sort()

    def cursor_moved(self) -> None:
        self._anchor = self.cursor_row
        self._highlight()

    def _highlight(self) -> None:
        row = self.cursor_row
        if row != self._highlighted:
            self._highlighted = row
            self.post_message(self.NeuronHighlighted(row))

    # --- lines -----------------------------------------------------------------------------------------------

    @property
    def row_count(self) -> int:
        return len(self.order)

    @property
    def column_count(self) -> int:
        return len(self._columns)

    @property
    def scrolled_columns(self) -> int:
        return self.scroll_offset.x

    def lay_out(self) -> None:
        margin = MARGIN if self._check_sign is None else MARGIN + 1
        layout = lay_out(self._columns, self.scrollable_content_region.width, margin, self.order.keys)
        self._lines = NeuronLines(layout, self.look)
        self.virtual_size = Size(layout.width, len(self.order) + self.header_lines)

    def header_strip(self, y: int) -> Strip:
        return self._lines.header(self.order.keys, self.column, self.scroll_offset.x)

    def row_strip(self, index: int, part: int, *, under_cursor: bool) -> Strip:
        row = int(self.order.rows[index])
        tokens = token_summary(self.run, row, self.category) if self._columns[-1].key == TOKENS else ""
        signs = row in self.marked, self._check_sign(row) if self._check_sign is not None else ""
        return self._lines.neuron(row, tokens, signs, self.scroll_offset.x, under_cursor=under_cursor)

    def empty_text(self, y: int) -> str:
        if y != 1:
            return ""
        if self.order.waits:
            return "  Sorting ..."
        return "  No neuron passes the filter. N clears it." if self.order.available else "  No layer is finished yet."

    def show_column(self) -> None:
        layout = self._lines.layout
        if not layout.fixed <= self.column < len(layout.columns) - 1:
            return  # it is always in view
        left, right = layout.edges[self.column], layout.edges[self.column + 1]
        x = self.scroll_offset.x
        if right - x > layout.right:
            self.scroll_to(x=right - layout.right, animate=False)
        elif left - x < layout.left:
            self.scroll_to(x=left - layout.left, animate=False)

    def on_mount(self) -> None:
        self.reordered()
