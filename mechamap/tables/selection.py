"""Which tables of a report are written, and how many rows of each."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mechamap.errors import UsageError
from mechamap.wording.advice import Setting
from mechamap.wording.suggest import unknown_name

if TYPE_CHECKING:
    from mechamap.tables.table import Report, Table

__all__ = ["ROWS", "Selection", "no_table", "selected"]


ROWS = 10  # of a long table that people read


@dataclass(frozen=True, slots=True)
class Selection:
    """Tables in the order they are written.

    Attributes:
        limit: the most rows of each; 0: all; None: ten, of those drawn as heat maps all.
        whole: keys of tables that are written with every row, whatever the limit, as matrices must be.
    """

    tables: tuple[Table, ...]
    limit: int | None = None
    whole: Collection[str] = ()

    def rows_of(self, table: Table) -> int:
        """How many rows of a table are written."""
        if table.key in self.whole or (table.heat and self.limit is None):
            return len(table.rows)
        most = ROWS if self.limit is None else self.limit
        return min(len(table.rows), most) if most else len(table.rows)

    def left_out(self, table: Table) -> str:
        """What is said below the rows of a table; nothing where these are all."""
        left = table.every_row - self.rows_of(table)
        how = f" ({Setting('limit', '0')} for all)" if self.limit != 0 else ""
        return f"… and {left:,} more{how}" if left else ""


def selected(report: Report, keys: Sequence[str] | None) -> tuple[Table, ...]:
    """The tables of these keys, in the order of the keys; all where None.

    Raises:
        UsageError: there is no table of that key.
    """
    if keys is None:
        return report.tables
    tables = []
    for key in dict.fromkeys(keys):
        table = report.table(key)
        if table is None:
            raise no_table(key, [table.key for table in report.tables])
        tables.append(table)
    return tuple(tables)


def no_table(key: str, known: Sequence[str]) -> UsageError:
    """The error about a key that no table has."""
    return UsageError(*unknown_name("table", key, known))
