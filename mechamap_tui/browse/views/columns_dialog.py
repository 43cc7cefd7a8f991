"""The dialog of the neuron table's columns: which are shown, in which order, how wide."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

from textual.binding import Binding, BindingType

from mechamap.query.column_names import ALL_CATEGORIES
from mechamap.runs.views.column_choice import ColumnChoice
from mechamap_tui.browse.table.arrangement import Arrangement
from mechamap_tui.browse.table.columns import Column
from mechamap_tui.dialogs.list_dialog import ListDialog
from mechamap_tui.terminal.terminal_text import pad

__all__ = ["ColumnsDialog"]


class ColumnsDialog(ListDialog[ColumnChoice]):
    """Dismissed with what was chosen, or None; nothing changes before.

    Args:
        arrangement: the columns as they are.
        key: the column that the cursor begins on.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "apply", "apply"),
        Binding("space,x", "switch", "show or hide"),
        Binding("K", "shift(-1)", "move up"),
        Binding("J", "shift(1)", "move down"),
        Binding("less_than_sign", "widen(-1)", "narrower"),
        Binding("greater_than_sign", "widen(1)", "wider"),
        Binding("d", "default", "all as by default"),
    ]

    def __init__(self, arrangement: Arrangement, key: str) -> None:
        super().__init__("Columns", "space hides · K J move · < > width · d default · enter applies · q leaves")
        self.arrangement = arrangement
        self._go_to(key)

    @property
    def lines(self) -> Sequence[str]:
        return [self._line(column) for column in self.arrangement.all]

    def _line(self, column: Column) -> str:
        shown = "always" if not self.arrangement.can_hide(column.key) else "hidden"
        shown = shown if shown == "always" or self.arrangement.is_hidden(column.key) else "shown"
        check = " " if shown == "hidden" else "x"
        title = column.title if not column.key.startswith(ALL_CATEGORIES) else column.key.removeprefix(ALL_CATEGORIES)
        width = f"{column.width:>3} cells" if column.width else "what is left"
        return f"[{check}] {pad(title, 16)} {shown:<8}{width}"

    @property
    def _key(self) -> str:
        return self.arrangement.all[self.cursor].key

    def _go_to(self, key: str) -> None:
        self.cursor = next((i for i, column in enumerate(self.arrangement.all) if column.key == key), 0)

    def _choose(self, choice: ColumnChoice) -> None:
        key = self._key
        self.arrangement = replace(self.arrangement, choice=choice)
        self._go_to(key)
        self.show_lines()

    def action_switch(self) -> None:
        """Hide the column under the cursor, or show it."""
        self._choose(self.arrangement.hidden(self._key, hidden=not self.arrangement.is_hidden(self._key)))

    def action_shift(self, steps: int) -> None:
        """Move the column under the cursor past the next one that is shown."""
        self._choose(self.arrangement.moved(self._key, steps))

    def action_widen(self, cells: int) -> None:
        """Make the column under the cursor a cell wider, or narrower."""
        self._choose(self.arrangement.widened(self._key, cells))

    def action_default(self) -> None:
        """Show all columns, in their places and widths."""
        self._choose(ColumnChoice())

    def action_apply(self) -> None:
        self.dismiss(self.arrangement.choice)
