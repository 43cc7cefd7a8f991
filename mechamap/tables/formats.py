"""A report in the format that is asked for. Importing this loads no numpy: the command line reads it for its help."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mechamap.errors import UsageError
from mechamap.tables.selection import Selection, selected
from mechamap.wording.advice import Advice, Setting
from mechamap.wording.suggest import unknown_name

if TYPE_CHECKING:
    from mechamap.tables.table import Report

__all__ = ["FORMATS", "format_of", "written"]


FORMATS = ("table", "lines", "json", "csv", "md")
_SUFFIXES = {".txt": "table", ".json": "json", ".csv": "csv", ".md": "md"}


def format_of(path: Path | str) -> str | None:
    """The format that a file's suffix means, or None."""
    return _SUFFIXES.get(Path(path).suffix.lower())


def written(
    report: Report,
    format: str,
    *,
    tables: Sequence[str] | None = None,
    width: int = 100,
    limit: int | None = None,
    whole: Collection[str] = (),
    excel: bool = False,
) -> str:
    """A report as text.

    Args:
        format: ``table`` (for a terminal), ``lines`` (a line for each row), ``json``, ``csv`` (one table), ``md``.
        tables: keys of the tables to write; where None all, of CSV the one that stands for the whole.
        width: of a terminal, in cells.
        limit: the most rows of a table; 0: all; None: for people ten, for programs all.
        whole: keys of tables that are written with every row, whatever the limit.
        excel: of CSV, whether it is for a spreadsheet: with a byte order mark, and no cell that is run as a formula.

    Raises:
        UsageError: no such format or table, a negative limit, or several tables as CSV.
    """
    if format not in FORMATS:
        raise UsageError(*unknown_name("format", format, FORMATS))
    if limit is not None and limit < 0:
        raise UsageError(f"The limit is {limit}; it must be 0 (all rows) or more.")
    if format == "csv" and tables is None:
        tables = [report.main or report.tables[0].key]
    chosen = selected(report, tables)
    if format in ("csv", "json"):
        return _for_programs(report, format, Selection(chosen, limit or 0, whole), excel)
    selection = Selection(chosen, limit, whole)
    if format == "md":
        from mechamap.tables.markdown import markdown_text

        return markdown_text(report, selection)
    if format == "lines":
        from mechamap.tables.lines import lines_text

        return lines_text(report, selection)
    from mechamap.tables.terminal import terminal_text

    return terminal_text(report, selection, width)


def _for_programs(report: Report, format: str, selection: Selection, excel: bool) -> str:
    if format == "json":
        from mechamap.tables.programs import json_text

        return json_text(report, selection)
    if len(selection.tables) != 1:
        raise UsageError(
            "A CSV holds one table.",
            Advice.of("Give one {}, or a folder: {}", Setting("table"), Setting("out", "DIR/")),
        )
    from mechamap.tables.programs import csv_text

    return csv_text(selection.tables[0], selection.rows_of(selection.tables[0]), excel=excel)
