"""Tables and reports that show themselves: text in a terminal, HTML in a notebook, a pandas frame on request."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from html import escape
from typing import TYPE_CHECKING, Any

from mechamap.api.python_words import report_text
from mechamap.tables.numbers import cell_text, is_number
from mechamap.tables.selection import Selection, no_table
from mechamap.tables.table import Cell, Report, Table, Values
from mechamap.tables.terminal import terminal_text
from mechamap.wording.plain import printable

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["DisplayedReport", "DisplayedTable"]


_WIDTH = 100  # of text that goes to no terminal
_ROWS = 60  # that are shown
_RIGHT = ' style="text-align: right"'


@dataclass(frozen=True, slots=True)
class DisplayedTable:
    """A table: ``len``, iteration over rows, ``frame()``; it prints as the command line's do.

    Attributes:
        table: its columns and rows of plain values.
    """

    table: Table

    @property
    def columns(self) -> tuple[str, ...]:
        """The keys of the columns."""
        return tuple(column.key for column in self.table.columns)

    def __len__(self) -> int:
        return len(self.table.rows)

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        """Rows of plain values, in the order of :attr:`columns`."""
        return (tuple(map(_plain, row)) for row in self.table.rows)

    def __getitem__(self, column: str) -> list[Any]:
        """The values of a column.

        Raises:
            KeyError: no column has that key.
        """
        if column not in self.columns:
            raise KeyError(f"{column!r}; the columns are {', '.join(self.columns)}")
        place = self.columns.index(column)
        return [_plain(row[place]) for row in self.table.rows]

    def frame(self) -> pd.DataFrame:
        """The rows as a pandas frame, a column for each key; what is not known is None or NaN."""
        import pandas as pd

        return pd.DataFrame(list(self), columns=list(self.columns))

    def __repr__(self) -> str:
        table = _in_python(self.table)
        width = shutil.get_terminal_size((_WIDTH, 24)).columns
        return terminal_text(Report("", (table,)), Selection((table,), limit=_ROWS), width).strip("\n")

    def _repr_html_(self) -> str:
        return _html(self.table)


@dataclass(frozen=True, slots=True)
class DisplayedReport:
    """A report: several tables, each by its key as in ``report["categories"]``.

    Attributes:
        report: its tables, and remarks that qualify them.
    """

    report: Report

    @property
    def tables(self) -> tuple[str, ...]:
        """The keys of the tables."""
        return tuple(table.key for table in self.report.tables)

    @property
    def remarks(self) -> tuple[str, ...]:
        """What qualifies the numbers, a sentence each."""
        return self.report.remarks

    def __getitem__(self, key: str) -> DisplayedTable:
        """One table.

        Raises:
            UsageError: no table has that key.
        """
        table = self.report.table(key)
        if table is None:
            raise no_table(key, self.tables)
        return DisplayedTable(table)

    def __iter__(self) -> Iterator[DisplayedTable]:
        return map(DisplayedTable, self.report.tables)

    def __repr__(self) -> str:
        width = shutil.get_terminal_size((_WIDTH, 24)).columns
        tables = tuple(map(_in_python, self.report.tables))
        return terminal_text(replace(self.report, tables=tables), Selection(tables), width).rstrip("\n")

    def _repr_html_(self) -> str:
        remarks = "".join(f"<p>{_shown(remark)}</p>" for remark in self.report.remarks)
        return f"<h3>{_shown(self.report.title)}</h3>{remarks}" + "".join(map(_html, self.report.tables))


def _in_python(table: Table) -> Table:
    return replace(table, about=report_text(table.about))


def _plain(cell: Cell) -> Any:
    return cell.numbers if isinstance(cell, Values) else cell


def _html(table: Table) -> str:
    """A table without a script, whose texts cannot be taken for markup."""
    shown = table.rows[:_ROWS]
    right = [_RIGHT if is_number(column.kind) else "" for column in table.columns]
    head = "".join(
        f"<th{align}>{_shown(column.title)}</th>" for align, column in zip(right, table.columns, strict=True)
    )
    body = "".join(f"<tr>{_html_row(table, row, right)}</tr>" for row in shown)
    left = table.every_row - len(shown)
    more = f"<p>and {left:,} more rows</p>" if left else ""
    about = f"<p>{_shown(report_text(table.about))}</p>" if table.about else ""
    title = f"<caption>{_shown(table.title)}</caption>" if table.title else ""
    return f"<table>{title}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{more}{about}"


def _html_row(table: Table, row: Sequence[Cell], right: Sequence[str]) -> str:
    return "".join(
        f"<td{align}>{_shown(cell_text(cell, column.kind))}</td>"
        for align, column, cell in zip(right, table.columns, row, strict=True)
    )


def _shown(text: str) -> str:
    return escape(printable(text))
