"""One table as CSV, for programs: keys above, plain numbers, empty where there is nothing."""

from __future__ import annotations

import re
from collections.abc import Iterable

from mechamap.tables.table import Cell, Table, Values

__all__ = ["csv_text"]

_TO_QUOTE = re.compile(r'[,"\r\n]|^\s|\s$')


def csv_text(table: Table, rows: int | None = None) -> str:
    """The first ``rows`` rows (all where None) below a header; tokens and values as the Python literal of a list."""
    lines = [_line(column.key for column in table.columns)]
    lines += [_line(map(_plain, row)) for row in table.rows[:rows]]
    return "\n".join(lines) + "\n"


def _plain(cell: Cell) -> str:
    if cell is None:
        return ""
    if isinstance(cell, Values):
        return repr([*cell.numbers])
    return repr([*cell]) if isinstance(cell, tuple) else str(cell)


def _line(cells: Iterable[str]) -> str:
    # The csv module leaves a lone carriage return bare, which ends a row for pandas.
    return ",".join('"' + cell.replace('"', '""') + '"' if _TO_QUOTE.search(cell) else cell for cell in cells)
