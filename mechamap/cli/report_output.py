"""Writing the report of a command to standard output, to a file, or to a folder of CSV files."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mechamap.cli.narration import Narration, write_data
from mechamap.cli.report_options import ReportOptions, ReportTables
from mechamap.errors import ExportError
from mechamap.exports.target import check_target, write_whole
from mechamap.tables.formats import written
from mechamap.tables.selection import selected
from mechamap.wording.amounts import quantity
from mechamap.wording.plain import inert, printable

if TYPE_CHECKING:
    from mechamap.tables.table import Report

__all__ = ["write_report"]


_WIDTH = 100  # of a table that goes to no terminal


def write_report(report: Report, options: ReportOptions, tables: ReportTables, narration: Narration) -> None:
    """Write a report as the flags ask.

    Args:
        tables: which there can be, and which are written where the flags do not say.

    Raises:
        UsageError: no such table, or several as CSV on standard output.
        ExportError: a file cannot be written.
    """
    keys = options.chosen(tables)
    if options.format == "csv":
        for remark in report.remarks:
            narration.say(f"note: {printable(remark)}")
    if options.out is not None and options.is_folder:
        texts = {
            table.key: written(
                report, "csv", tables=[table.key], limit=options.limit, whole=tables.whole, excel=options.excel
            )
            for table in selected(report, keys)
        }
        _write_folder(options.out, texts, overwrite=options.overwrite)
        narration.say(f"{_tables(len(texts))} to {options.out.resolve()}: {', '.join(texts)}")
        return
    width = _WIDTH if options.out is not None else shutil.get_terminal_size((_WIDTH, 24)).columns
    text = written(
        report,
        options.format,
        tables=keys,
        width=width,
        limit=options.limit,
        whole=tables.whole,
        excel=options.excel,
    )
    if options.out is None:
        _write_stdout(text, options.format)
    else:
        _write_file(options.out, text, overwrite=options.overwrite)
        narration.say(f"{_tables(len(selected(report, keys)))} to {options.out.resolve()}")
    not_shown = [key for key in tables.known if keys is not None and key not in keys]
    if not_shown and options.tables is None and options.format in ("table", "lines", "md"):
        narration.say(f"not shown: {', '.join(not_shown)} (--table KEY{_json_holds(not_shown, tables.on_request)})")


def _json_holds(not_shown: Sequence[str], on_request: Collection[str]) -> str:
    """How many of the tables that are not shown JSON has; nothing where that is none."""
    without = [key for key in not_shown if key in on_request]
    if len(without) == len(not_shown):
        return ""
    return f"; --format json holds all but {', '.join(without)}" if without else "; --format json holds all"


def _write_folder(folder: Path, texts: Mapping[str, str], *, overwrite: bool) -> None:
    """Each table's text as a file of its key."""
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise ExportError(f"{folder} cannot be created: {error.strerror or error}.", "Choose another place.") from None
    targets = {key: check_target(folder / f"{key}.csv", overwrite=overwrite) for key in texts}
    for key, target in targets.items():
        _write_file(target, texts[key], overwrite=overwrite)


def _write_file(path: Path, text: str, *, overwrite: bool) -> None:
    data = _bytes(text)
    write_whole(check_target(path, overwrite=overwrite), lambda stream: stream.write(data), overwrite=overwrite)


def _write_stdout(text: str, format: str) -> None:
    if format in ("table", "lines"):
        sys.stdout.write(inert(text))  # in the terminal's own encoding
        sys.stdout.flush()
        return
    write_data(text)


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", errors="backslashreplace")  # a lone surrogate as \udXXX, which is how JSON spells it


def _tables(count: int) -> str:
    return quantity(count, "table")
