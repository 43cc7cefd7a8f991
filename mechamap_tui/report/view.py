"""What a report's screen remembers between visits: the table, its cursor and its order."""

from __future__ import annotations

from dataclasses import dataclass, field

from mechamap.tables.table import Cell, Table

__all__ = ["CellPlace", "ReportView", "next_sort", "row_order"]


@dataclass(frozen=True, slots=True)
class CellPlace:
    """Where the cursor of a table is.

    Attributes:
        row, column: of the table, whatever the order of its rows.
        first: the first column seen behind the one that stays.
        top: lines scrolled away above.
        sort: the column that the rows are ordered by, and whether downwards; None: as they came.
    """

    row: int = 0
    column: int = 0
    first: int = 1
    top: int = 0
    sort: tuple[int, bool] | None = None


def next_sort(sort: tuple[int, bool] | None, column: int, *, numbers: bool) -> tuple[int, bool] | None:
    """Sort by a column; the second time the other way; the third time not at all. Numbers begin with the largest."""
    if sort is None or sort[0] != column:
        return column, numbers
    return (column, not numbers) if sort[1] == numbers else None


def row_order(table: Table, sort: tuple[int, bool] | None) -> list[int]:
    """The rows top to bottom; empty cells last, equal ones in their original order."""
    rows = list(range(len(table.rows)))
    if sort is None:
        return rows
    column, descending = sort
    filled = [row for row in rows if table.rows[row][column] is not None]
    filled.sort(key=lambda row: _key(table.rows[row][column]), reverse=descending)
    return filled + [row for row in rows if table.rows[row][column] is None]


def _key(cell: Cell) -> tuple[bool, float, str]:
    """Numbers before texts; texts by their letters."""
    if isinstance(cell, int | float):
        return False, float(cell), ""
    return True, 0.0, " ".join(cell).casefold() if isinstance(cell, tuple) else str(cell).casefold()


@dataclass(slots=True)
class ReportView:
    """What the user has chosen so far.

    Attributes:
        by: the figure that neurons are judged by; None: the run's own.
        threshold: the value from which they count; None: the figure's own.
        table: the key of the table that is shown; empty: the first.
        numbers: whether heat maps are shown as numbers.
        places: where the cursor was left, by table.
    """

    by: str | None = None
    threshold: float | None = None
    table: str = ""
    numbers: bool = False
    places: dict[str, CellPlace] = field(default_factory=dict)

    def place(self, table: Table) -> CellPlace:
        """Where the table's cursor was left; initially on the first cell that leads to neurons, if any."""
        return self.places.get(table.key) or CellPlace(column=_first(table))


def _first(table: Table) -> int:
    if table.columns[0].kind == "neuron" or len(table.columns) == 1:
        return 0
    linked = (column for column in range(1, len(table.columns)) if table.rows and table.link(0, column) is not None)
    return next(linked, 1)
