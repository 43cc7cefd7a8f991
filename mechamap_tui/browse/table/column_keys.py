"""The columns of the neuron table, for one category or for all, and what its keys do to them: hide, move, widen."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from textual.binding import Binding, BindingType

from mechamap.query.column_names import ALL_CATEGORIES
from mechamap.runs.run import Run
from mechamap.runs.views.column_choice import ColumnChoice
from mechamap_tui.browse.table.arrangement import Arrangement
from mechamap_tui.browse.table.columns import Column, category_columns, overview_columns
from mechamap_tui.browse.table.order import SortKey
from mechamap_tui.data.check_signs import check_signs
from mechamap_tui.widgets.line_table import LineTable

__all__ = ["ColumnKeys"]


class ColumnKeys(LineTable, can_focus=True, inherit_bindings=False):
    """A table of a run's neurons whose columns can be hidden, moved and made wider.

    Attributes:
        overview: whether it shows all categories.
        arrangement: its columns, and what the user wants of them.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("minus", "hide_column", "hide column", show=False),
        Binding("H", "move_column(-1)", "move column left", show=False),
        Binding("L", "move_column(1)", "move column right", show=False),
        Binding("less_than_sign", "widen_column(-1)", "narrow column", show=False),
        Binding("greater_than_sign", "widen_column(1)", "widen column", show=False),
    ]

    def __init__(self, run: Run, category: str, *, id: str, classes: str) -> None:
        super().__init__(id=id, classes=classes)
        self.run, self.category = run, category
        self.overview = False
        self.choice = ColumnChoice()
        self.arrangement: Arrangement
        self._columns: tuple[Column, ...] = ()
        self._check_sign: Callable[[int], str] | None = None
        self._make_columns()

    @property
    def columns(self) -> tuple[Column, ...]:
        """The columns that are shown."""
        return self._columns

    def column_title(self, key: str) -> str:
        """A column's title, also of one that is not on the screen."""
        name = key.removeprefix(ALL_CATEGORIES)
        return next((column.title for column in self._columns if column.key == key), name)

    def choose_columns(self, choice: ColumnChoice) -> None:
        """Show the columns as chosen; the column cursor stays on its own, or comes to the one in its place."""
        if choice != self.choice:
            self.choice = choice
            self.columns_changed()

    def columns_changed(self) -> None:
        """Show other columns, or the same ones elsewhere."""
        self._make_columns()
        self.lay_out()
        self.show_column()
        self.redraw()

    # --- keys ------------------------------------------------------------------------------------------------

    @property
    def _key(self) -> str:
        """The column under the cursor."""
        return self._columns[self.column].key

    def action_hide_column(self) -> None:
        """Hide the column under the cursor."""
        if self.arrangement.can_hide(self._key):
            self.choose_columns(self.arrangement.hidden(self._key))
        else:
            self.notify("The columns that name the neuron are always shown.", markup=False)

    def action_move_column(self, steps: int) -> None:
        """Move the column under the cursor past the next one."""
        self.choose_columns(self.arrangement.moved(self._key, steps))

    def action_widen_column(self, cells: int) -> None:
        """Make the column under the cursor a cell wider, or narrower."""
        self.choose_columns(self.arrangement.widened(self._key, cells))

    def action_overview(self) -> None:
        """Switch between one category's figures and the selectivity for all."""
        self.overview = not self.overview
        self.columns_changed()

    # --- which columns ---------------------------------------------------------------------------------------

    def _make_columns(self) -> None:
        key = self._columns[self.column].key if self._columns else ""
        one, all_ = category_columns(self.run, self.category), overview_columns(self.run, self.category)
        self._by_key = {column.key: column for column in (*all_, *one)}
        self.arrangement = Arrangement(all_ if self.overview else one, self.choice)
        self._columns = self.arrangement.shown
        # New columns come between old ones: the cursor stays on its own.
        same = (index for index, column in enumerate(self._columns) if column.key == key)
        self.column = next(same, min(self.column, len(self._columns) - 1))
        self._check_sign = check_signs(self.run, self.category)

    def _names(self) -> int:
        """How many columns name the neuron."""
        return 1 + [column.key for column in self._columns].index("neuron")

    def _column_of(self, key: SortKey) -> int:
        """Where the column of a figure is; the first one behind the neuron's name, where there is none."""
        first = min(self._names(), len(self._columns) - 1)
        behind = range(first, len(self._columns))
        return next((index for index in behind if self._columns[index].key == key.column), first)

    def _values(self, key: str) -> NDArray[Any]:
        column = self._by_key.get(key)
        return column.values() if column is not None else np.zeros(self.run.neurons, dtype=np.int8)
