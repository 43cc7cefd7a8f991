"""The neuron table: what its keys and clicks do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message

from mechamap.runs.run import Run
from mechamap_tui.browse.table.columns import (
    ALL_CATEGORIES,
    TOKENS,
    Column,
    category_columns,
    changes_with_category,
    overview_columns,
    token_summary,
)
from mechamap_tui.browse.table.order import NeuronOrder, SortKey
from mechamap_tui.browse.table.scroll import HEADER, NeuronScroll
from mechamap_tui.data.check_signs import check_signs

__all__ = ["NeuronTable"]


class NeuronTable(NeuronScroll, can_focus=True, inherit_bindings=False):
    """Neurons of a run: moved through, sorted by any column, filtered, looked at for one category or for all."""

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

    @dataclass
    class NeuronOpened(Message):
        """A neuron was asked for."""

        row: int

    def __init__(self, run: Run, category: str, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(run, category, id=id, classes=classes)
        self.overview = False
        default = next((key for key, figure in (("reads", "selectivity"), ("mean", "mean")) if run.has(figure)), "")
        self.order = NeuronOrder(run.neurons, self._values, (SortKey(default or "layer", bool(default)),))
        self._make_columns()
        # On what the table is sorted by, else on the first that is no part of the name.
        first = (at for at, column in enumerate(self._columns) if column.key == default)
        self.column = next(first, self._names())

    # --- what is asked of it ---------------------------------------------------------------------------------

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
        if any(changes_with_category(key.column) for key in self.order.keys):
            if not stay:
                self._anchor, self._place = None, 0
                self.scroll_to(y=0, animate=False)
            self.order.values_changed()
        self.reordered()

    def show_available(self, mask: NDArray[np.bool_] | None) -> None:
        """Layers or figures have arrived: show them too."""
        self.order.set_available(mask)
        self._make_columns()
        self.order.values_changed()
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

    def described(self, row: int) -> str:
        """A neuron's line as text to be pasted elsewhere."""
        columns = [column for column in self._columns[self._names() :] if column.key != TOKENS]
        figures = [f"{column.title} {column.cell(row)}" for column in columns]
        parts = [f"{self.run.neuron_name(row)} of {self.run.label}", self.category, *figures]
        return "\t".join([*(part for part in parts if part), token_summary(self.run, row, self.category)])

    # --- moving ----------------------------------------------------------------------------------------------

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
        """Sort by the column under the cursor: what matters most on top, then the other way, then as it was."""
        column = self._columns[self.column]
        self.order.cycle(column.key, descending=not column.ascending)
        self.reordered()

    def action_sort_second(self) -> None:
        """Order equals by the column under the cursor: one way, then the other, then not."""
        column = self._columns[self.column]
        self.order.cycle_second(column.key, descending=not column.ascending)
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
        key = self._columns[self.column].key if self._columns else ""
        one, all_ = category_columns(self.run, self.category), overview_columns(self.run, self.category)
        self._by_key = {column.key: column for column in (*all_, *one)}
        self._columns = all_ if self.overview else one
        # New columns come between old ones: the cursor stays on its own.
        same = (at for at, column in enumerate(self._columns) if column.key == key)
        self.column = next(same, min(self.column, len(self._columns) - 1))
        self._check_sign = check_signs(self.run, self.category)
        self._strips.clear()

    def _names(self) -> int:
        """How many columns name the neuron."""
        return 1 + [column.key for column in self._columns].index("neuron")

    def _values(self, key: str) -> NDArray[Any]:
        found = self._by_key.get(key)
        return found.values() if found is not None else np.zeros(self.run.neurons, dtype=np.int8)

    # --- mouse -----------------------------------------------------------------------------------------------

    def on_click(self, event: events.Click) -> None:
        offset = event.get_content_offset(self)
        if offset is None or self._layout is None:
            return
        if offset.y < HEADER:
            column = self._layout.column_at(offset.x, self.scroll_offset.x)
            if column is not None:
                self.column = column
                if event.shift:
                    self.action_sort_second()
                else:
                    self.action_sort()
            return
        place = self.scroll_offset.y + offset.y - HEADER
        if place >= len(self.order):
            return
        self._move_to(place)
        if event.chain == 2:
            self.action_open()
