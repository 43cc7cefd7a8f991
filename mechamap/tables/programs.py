"""Reports for programs: a table as CSV, a whole report as one JSON object."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

from mechamap.tables.selection import Selection
from mechamap.tables.table import Cell, Report, Table, Values
from mechamap.wording.spreadsheet import EXCEL_MARK, as_written

__all__ = ["csv_text", "json_text"]


_TO_QUOTE = re.compile(r'[,"\r\n]|^\s|\s$')


def csv_text(table: Table, rows: int | None = None, *, excel: bool = False) -> str:
    """The first ``rows`` rows (all where None) below a header; tokens and values as the Python literal of a list.

    Args:
        excel: whether it is for a spreadsheet, see :mod:`mechamap.wording.spreadsheet`.
    """
    lines = [_line(as_written(column.key, excel=excel) for column in table.columns)]
    lines += [_line(_plain(cell, excel) for cell in row) for row in table.rows[:rows]]
    return (EXCEL_MARK if excel else "") + "\n".join(lines) + "\n"


def _plain(cell: Cell, excel: bool) -> str:
    if cell is None:
        return ""
    if isinstance(cell, str):
        return as_written(cell, excel=excel)
    if isinstance(cell, Values):
        return repr([*cell.numbers])
    return repr([*cell]) if isinstance(cell, tuple) else str(cell)


def _line(cells: Iterable[str]) -> str:
    # The csv module leaves a lone carriage return bare, which ends a row for pandas.
    return ",".join('"' + cell.replace('"', '""') + '"' if _TO_QUOTE.search(cell) else cell for cell in cells)


def _list(cell: Any) -> list[float | None]:
    if isinstance(cell, Values):
        return [*cell.numbers]
    raise TypeError(f"{cell!r} is not a cell")


# Made once: making it takes longer than encoding a row.
_text = json.JSONEncoder(ensure_ascii=False, allow_nan=False, default=_list).encode


def json_text(report: Report, selection: Selection) -> str:
    """The chosen tables; null where there is nothing, tokens and values as lists, one row of a table a line."""
    head = {"title": report.title, "remarks": list(report.remarks)}
    tables = []
    for table in selection.tables:
        keys = [column.key for column in table.columns]
        rows = [_text(dict(zip(keys, row, strict=True))) for row in table.rows[: selection.rows_of(table)]]
        caption = _text({"title": table.title, "about": table.about})
        tables.append(f'{_text(table.key)}: {caption[:-1]}, "rows": [' + ",".join(f"\n{row}" for row in rows) + "]}")
    return _text(head)[:-1] + ', "tables": {\n' + ",\n".join(tables) + "\n}}\n"
