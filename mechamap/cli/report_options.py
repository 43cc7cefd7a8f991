"""The flags of a command that writes a report: in which format, which tables, how many rows, and where to."""

from __future__ import annotations

import argparse
import os
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from mechamap.errors import UsageError
from mechamap.exports.target import check_target
from mechamap.figures.catalogue import judged_figures
from mechamap.system.paths import user_path
from mechamap.tables.formats import FORMATS, format_of
from mechamap.tables.selection import ROWS, no_table

__all__ = [
    "EXCEL_HELP",
    "ReportOptions",
    "ReportTables",
    "add_judging_flags",
    "add_report_flags",
    "refuse_excel",
    "report_options",
]

EXCEL_HELP = "of CSV: for a spreadsheet, which then knows the encoding and runs no cell as a formula"


@dataclass(frozen=True, slots=True)
class ReportTables:
    """The tables of a report, and which of them are written by default.

    Attributes:
        known: every key that the report can have.
        shown: the tables that people get; None: all.
        whole: those that are shown with every row, however many.
        single: the table that a CSV holds; empty: the one that stands for the whole.
        on_request: those that are in no format unless ``--table`` asks for them.
    """

    known: Sequence[str]
    shown: Sequence[str] | None = None
    whole: Collection[str] = ()
    single: str = ""
    on_request: Collection[str] = ()


@dataclass(frozen=True, slots=True)
class ReportOptions:
    """What the flags of :func:`add_report_flags` say.

    Attributes:
        format: of the report.
        tables: the keys that ``--table`` asks for, each once; None: it was not given.
        limit: rows of each long table; 0: all; None: what is usual for the format.
        out: the file, or a folder of CSV files; None: standard output.
        is_folder: whether ``out`` is such a folder.
        overwrite: replace files that are there.
        excel: whether CSV is for a spreadsheet.
    """

    format: str
    tables: tuple[str, ...] | None
    limit: int | None
    out: Path | None
    is_folder: bool
    overwrite: bool
    excel: bool = False

    @property
    def rows(self) -> int | None:
        """How many rows of a long table will be written; None: all."""
        if self.limit is not None:
            return self.limit or None
        return ROWS if self.format in ("table", "lines", "md") else None

    def asks_for(self, *keys: str) -> bool:
        """Whether ``--table`` names one of these."""
        return not set(keys).isdisjoint(self.tables or ())

    def chosen(self, among: ReportTables) -> tuple[str, ...] | None:
        """The keys of the tables that will be written, so that no others need be made; None: all.

        Raises:
            UsageError: the report has no such table.
        """
        if self.tables is not None:
            for key in self.tables:
                if key not in among.known:
                    raise no_table(key, among.known)
            return self.tables
        if self.format == "csv":
            return (among.single,) if among.single and not self.is_folder else None
        return None if self.format == "json" or among.shown is None else tuple(among.shown)


def add_judging_flags(parser: argparse.ArgumentParser, purpose: str) -> None:
    """Declare by which figure neurons are judged, and the value from which one counts."""
    labels = ", ".join(figure.label for figure in judged_figures().values())
    default = "the first of strength, ap, reads and mean that all runs have"
    parser.add_argument("--by", metavar="FIGURE", help=f"{purpose}: {labels} (default: {default})")
    parser.add_argument(
        "--threshold",
        metavar="X",
        type=float,
        help="the value from which a neuron counts (default: the figure's usual one)",
    )


def add_report_flags(parser: argparse.ArgumentParser, *, rows: str = "for CSV and JSON all") -> None:
    """Declare the flags.

    Args:
        rows: how many rows of long tables programs get where nothing is said, for the help.
    """
    add = parser.add_argument
    add(
        "--format",
        choices=FORMATS,
        help="default: what the suffix of --out means, else table; lines: a line for each row, for screen readers",
    )
    add("--table", metavar="KEY", action="append", help="only this table of the report (repeatable)")
    add("--limit", metavar="N", type=int, help="rows of each long table; 0: all (default: " + rows
        + ", for people the first 10 of long lists)")  # fmt: skip
    add("--out", metavar="F", default="-", help="the file to write, or for CSV a folder: one file a table (default: -, "
        "standard output)")  # fmt: skip
    add("--excel", action="store_true", help=EXCEL_HELP)
    add("--overwrite", action="store_true", help="replace the file if there is one")


def refuse_excel(excel: bool, format: str) -> None:
    """Refuse ``--excel`` for another format than CSV.

    Raises:
        UsageError: it is given for one.
    """
    if excel and format != "csv":
        raise UsageError(
            f"--excel is about CSV, and this is written as {format}.", "Add --format csv, or leave it out."
        )


def report_options(args: argparse.Namespace) -> ReportOptions:
    """What the flags say; what could not be written is refused here, before any work is done.

    Raises:
        UsageError: a limit below 0, an empty name, or a folder for another format than CSV.
        ExportError: the file exists, or cannot be written there.
    """
    if args.limit is not None and args.limit < 0:
        raise UsageError(f"--limit is {args.limit}; it must be 0 (all rows) or more.")
    if not args.out:
        raise UsageError("--out is empty.", "Leave it out for standard output.")
    tables = None if args.table is None else tuple(dict.fromkeys(args.table))
    if args.out == "-":
        refuse_excel(args.excel, args.format or "table")
        return ReportOptions(args.format or "table", tables, args.limit, None, False, args.overwrite, args.excel)
    out = user_path(args.out)
    is_folder = args.out.endswith(os.sep) or out.is_dir()
    format = args.format or ("csv" if is_folder else format_of(out) or "table")
    if is_folder and format != "csv":
        raise UsageError(
            f"{args.out} is a folder; only CSV is written as one file per table.", "Name a file inside it."
        )
    if not is_folder:
        check_target(out, overwrite=args.overwrite)
    elif not out.is_dir():
        check_target(out, overwrite=True)
    refuse_excel(args.excel, format)
    return ReportOptions(format, tables, args.limit, out, is_folder, args.overwrite, args.excel)
