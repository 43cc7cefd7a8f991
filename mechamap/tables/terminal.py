"""A report as text for a terminal: each table below its title, its columns aligned, its explanation below."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import zip_longest

from msgspec.structs import replace

from mechamap.tables.column_widths import GAP, Block, blocks_of, title_lines
from mechamap.tables.numbers import cell_text, is_number
from mechamap.tables.selection import Selection
from mechamap.tables.table import Column, Report, Table
from mechamap.wording.cells import filled, wrapped
from mechamap.wording.plain import printable

__all__ = ["terminal_text"]


_INDENT = "  "
_NARROWEST = 24


def terminal_text(report: Report, selection: Selection, width: int) -> str:
    """The chosen tables in lines of at most ``width`` cells."""
    width = max(width, _NARROWEST)
    lines = wrapped(printable(report.title), width)
    for remark in report.remarks:
        note = wrapped(printable(remark), width - len("note: "))
        lines += [f"{head}{line}" for head, line in zip_longest(["note: "], note, fillvalue="      ")]
    for table in selection.tables:
        lines += ["", *_lines(table, selection, width)]
    return "\n".join(line.rstrip() for line in lines) + "\n"


def _lines(table: Table, selection: Selection, width: int) -> Iterator[str]:
    """One table, those of its rows that are written."""
    yield from wrapped(printable(table.title), width)
    room = width - len(_INDENT)
    shown = table.rows[: selection.rows_of(table)]
    columns = [replace(column, title=printable(column.title)) for column in table.columns]
    texts = [[cell_text(row[index], column.kind) for row in shown] for index, column in enumerate(columns)]
    if columns[0].kind == "text" and len(columns) > 2:  # a name stands once above all its rows
        texts[0] = ["" if index and text == texts[0][index - 1] else text for index, text in enumerate(texts[0])]
    if not shown:
        yield f"{_INDENT}none"
    for number, block in enumerate(blocks_of(columns, texts, room, table.stubs) if shown else ()):
        if number:
            yield ""
        for line in _block(columns, texts, block):
            yield _INDENT + line
    if (more := selection.left_out(table)) and shown:
        yield _INDENT + more
    if table.about:
        yield from (_INDENT + line for line in wrapped(printable(table.about), room))


def _block(all_columns: list[Column], texts: list[list[str]], block: Block) -> Iterator[str]:
    columns = [all_columns[index] for index in block.columns]
    right = [is_number(column.kind) for column in columns]

    def lines(cells: list[list[str]]) -> Iterator[str]:
        for pieces in zip_longest(*cells, fillvalue=""):
            yield (" " * GAP).join(
                filled(piece, width, right=to_right)
                for piece, width, to_right in zip(pieces, block.widths, right, strict=True)
            )

    titles = [title_lines(column, width) for column, width in zip(columns, block.widths, strict=True)]
    height = max(map(len, titles))
    yield from lines([[""] * (height - len(title)) + title for title in titles])
    last_wraps = columns[-1].kind == "text" and len(all_columns) > 1
    for row in range(len(texts[0])):
        cells = [[texts[index][row]] for index in block.columns]
        if last_wraps:  # facts are sentences, with nothing beside them
            cells[-1] = wrapped(cells[-1][0], block.widths[-1])
        yield from lines(cells)
