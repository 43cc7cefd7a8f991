"""A report as lines that are understood one by one: each value behind the title of its column, nothing aligned.

For screen readers, which read a table's columns as one stream of numbers, and for programs that read lines.
"""

from __future__ import annotations

from collections.abc import Iterator

from mechamap.tables.numbers import NONE, cell_text
from mechamap.tables.selection import Selection
from mechamap.tables.table import Cell, Column, Report, Table
from mechamap.wording.amounts import quantity
from mechamap.wording.plain import printable

__all__ = ["lines_text"]


def lines_text(report: Report, selection: Selection) -> str:
    """The chosen tables: a line for the title of each, one for each row, its explanation at the end."""
    lines = [printable(report.title), *(f"note: {printable(remark)}" for remark in report.remarks)]
    for table in selection.tables:
        lines += _lines(table, selection)
    return "\n".join(lines) + "\n"


def _lines(table: Table, selection: Selection) -> Iterator[str]:
    count = selection.rows_of(table)
    of_all = f" of {table.every_row:,}" if count < table.every_row else ""
    yield f"{printable(table.title)}: {quantity(count, 'row')}{of_all}"
    for number, row in enumerate(table.rows[:count], start=1):
        cells = zip(table.columns, row, strict=True)
        texts = [f"{printable(column.title)} {text}".strip() for column, cell in cells if (text := _text(column, cell))]
        yield f"{number}. {'; '.join(texts)}"
    if table.about and count:
        yield printable(table.about)


def _text(column: Column, cell: Cell) -> str:
    """A cell; nothing where there is nothing to say."""
    if isinstance(cell, tuple):
        return ", ".join(printable(piece.strip(" ")) or "space" for piece in cell)
    text = cell_text(cell, column.kind)
    return "" if text == NONE else text
