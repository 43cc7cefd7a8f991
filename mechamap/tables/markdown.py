"""A report in Markdown: a heading and a table each, numbers as people read them."""

from __future__ import annotations

from collections.abc import Iterator

from mechamap.tables.numbers import cell_text, is_number
from mechamap.tables.selection import Selection
from mechamap.tables.table import Report, Table
from mechamap.wording.plain import markdown_escaped, markdown_row, printable

__all__ = ["markdown_text"]


def markdown_text(report: Report, selection: Selection) -> str:
    """The chosen tables, one after another."""
    parts = [f"# {_escaped(report.title)}"]
    if report.remarks:
        parts.append("\n".join(f"- {_escaped(remark)}" for remark in report.remarks))
    for table in selection.tables:
        parts += _parts(table, selection)
    return "\n\n".join(parts) + "\n"


def _parts(table: Table, selection: Selection) -> Iterator[str]:
    yield f"## {_escaped(table.title)}"
    lines = [
        markdown_row(_escaped(column.title) for column in table.columns),
        markdown_row("---:" if is_number(column.kind) else "---" for column in table.columns),
    ]
    for row in table.rows[: selection.rows_of(table)]:
        lines.append(
            markdown_row(
                _escaped(cell_text(cell, column.kind)) for cell, column in zip(row, table.columns, strict=True)
            )
        )
    yield "\n".join(lines) if table.rows else "None."
    if more := selection.left_out(table):
        yield _escaped(more)
    if table.about:
        yield _escaped(table.about)


def _escaped(text: str) -> str:
    return markdown_escaped(printable(" ".join(text.splitlines())))
