"""The columns of the neuron table as the user wants them: those that name the neuron stay in front, the tokens last."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from mechamap.runs.views.column_choice import ColumnChoice
from mechamap_tui.browse.table.columns import TOKENS, Column

__all__ = ["Arrangement"]


@dataclass(frozen=True, slots=True)
class Arrangement:
    """All columns that a table has in a mode, and what the user wants of them.

    Attributes:
        columns: in their default order.
        choice: which are hidden, where each stands, how wide it is.
    """

    columns: tuple[Column, ...]
    choice: ColumnChoice

    @property
    def names(self) -> tuple[Column, ...]:
        """Those that name the neuron: always shown, always in front."""
        return self.columns[: 1 + [column.key for column in self.columns].index("neuron")]

    @property
    def movable(self) -> tuple[str, ...]:
        """The columns that can be moved, in their default order."""
        return tuple(column.key for column in self.columns[len(self.names) :] if column.key != TOKENS)

    @property
    def all(self) -> tuple[Column, ...]:
        """All columns in the chosen order and width, hidden ones included."""
        by_key = {column.key: column for column in self.columns}
        middle = [by_key[key] for key in self.choice.arranged(self.movable)]
        tokens = [by_key[TOKENS]] if TOKENS in by_key else []
        return tuple(map(self._wide, [*self.names, *middle, *tokens]))

    @property
    def shown(self) -> tuple[Column, ...]:
        """The columns that are shown, in the chosen order and width."""
        return tuple(column for column in self.all if not self.is_hidden(column.key))

    def is_hidden(self, key: str) -> bool:
        """Whether a column is hidden; those that name the neuron never are."""
        return key in self.choice.hidden and self.can_hide(key)

    def can_hide(self, key: str) -> bool:
        """Whether a column may be hidden."""
        return key not in {column.key for column in self.names}

    def hidden(self, key: str, *, hidden: bool = True) -> ColumnChoice:
        """The choice with a column hidden, or shown again."""
        return self.choice.with_hidden(key, hidden=hidden) if self.can_hide(key) else self.choice

    def moved(self, key: str, steps: int) -> ColumnChoice:
        """The choice with a column moved past others that are shown."""
        if key not in self.choice.shown(self.movable):
            return self.choice
        return self.choice.with_moved(key, steps, self.movable)

    def widened(self, key: str, cells: int) -> ColumnChoice:
        """The choice with a column so many cells wider; the tokens take what is left in any case."""
        column = _named(self.columns, key)
        if column.key == TOKENS:
            return self.choice
        return self.choice.with_width(key, self._wide(column).width + cells, column.width)

    def _wide(self, column: Column) -> Column:
        width = self.choice.widths.get(column.key, column.width)
        return column if not column.width or width == column.width else replace(column, width=width, cut=True)


def _named(columns: Sequence[Column], key: str) -> Column:
    return next(column for column in columns if column.key == key)
