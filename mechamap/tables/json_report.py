"""A report as one JSON object, for programs: every table under its key, every cell under its column's."""

from __future__ import annotations

import json
from typing import Any

from mechamap.tables.selection import Selection
from mechamap.tables.table import Report, Values

__all__ = ["json_text"]


def _list(cell: Any) -> list[float | None]:
    if isinstance(cell, Values):
        return [*cell.numbers]
    raise TypeError(f"{cell!r} is no cell")


# One for all: making it takes longer than a row.
_text = json.JSONEncoder(ensure_ascii=False, allow_nan=False, default=_list).encode


def json_text(report: Report, selection: Selection) -> str:
    """The chosen tables; null where there is nothing, tokens and values as lists, one row of a table a line."""
    head = {"title": report.title, "remarks": list(report.remarks)}
    tables = []
    for table in selection.tables:
        keys = [column.key for column in table.columns]
        rows = [_text(dict(zip(keys, row, strict=True))) for row in table.rows[: selection.rows_of(table)]]
        said = _text({"title": table.title, "about": table.about})
        tables.append(f'{_text(table.key)}: {said[:-1]}, "rows": [' + ",".join(f"\n{row}" for row in rows) + "]}")
    return _text(head)[:-1] + ', "tables": {\n' + ",\n".join(tables) + "\n}}\n"
