"""Where the report of a command goes: its flags, and putting it on standard output or in files."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mechamap.cli.narration import Narration
from mechamap.errors import ExportError, UsageError
from mechamap.exports.target import check_target, write_whole
from mechamap.figures.catalogue import judged_figures
from mechamap.system.paths import user_path
from mechamap.tables.formats import FORMATS, format_of, written
from mechamap.tables.selection import ROWS, no_table, selected
from mechamap.wording.amounts import quantity
from mechamap.wording.plain import printable

if TYPE_CHECKING:
    from mechamap.tables.table import Report

__all__ = ["add_report_flags", "check_report_flags", "chosen_tables", "put_report", "report_format", "rows_wanted"]


_WIDTH = 100  # of a table that goes to no terminal


def add_judging_flags(parser: argparse.ArgumentParser, purpose: str, default: str) -> None:
    """Declare by which figure neurons are judged, and from where on one counts."""
    labels = ", ".join(figure.label for figure in judged_figures().values())
    parser.add_argument("--by", metavar="FIGURE", help=f"{purpose}: {labels} (default: {default})")
    parser.add_argument(
        "--threshold", metavar="X", type=float, help="from where on a neuron counts (default: what is usual for it)"
    )


def add_report_flags(parser: argparse.ArgumentParser, *, rows: str = "for CSV and JSON all") -> None:
    """Declare what :func:`put_report` needs to know.

    Args:
        rows: how many rows of long tables programs get where nothing is said, for the help.
    """
    add = parser.add_argument
    add("--format", choices=FORMATS, help="default: what the suffix of --out means, else table")
    add("--table", metavar="KEY", action="append", help="only this table of the report (repeatable)")
    add("--limit", metavar="N", type=int, help="rows of each long table; 0: all (default: " + rows
        + ", for people the first 10 of long lists)")  # fmt: skip
    add("--out", metavar="F", default="-", help="the file to write, or for CSV a folder: one file a table (default: -, "
        "standard output)")  # fmt: skip
    add("--overwrite", action="store_true", help="replace the file if there is one")


def check_report_flags(args: argparse.Namespace) -> None:
    """Refuse what could not be written, before any work is done.

    Raises:
        UsageError: a limit below 0, an empty name, or a folder for another format than CSV.
        ExportError: the file exists, or cannot be written there.
    """
    if args.limit is not None and args.limit < 0:
        raise UsageError(f"--limit is {args.limit}; it must be 0 (all rows) or more.")
    if not args.out:
        raise UsageError("--out names no file.", "Leave it out for standard output.")
    if _is_folder(args.out):
        if report_format(args) != "csv":
            raise UsageError(f"{args.out} is a folder; only CSV has one file a table.", "Name a file inside it.")
        if not user_path(args.out).is_dir():
            check_target(args.out, overwrite=True)
    elif args.out != "-":
        check_target(args.out, overwrite=args.overwrite)


def chosen_tables(
    args: argparse.Namespace, known: Sequence[str], *, shown: Sequence[str] | None = None, single: str = ""
) -> tuple[str, ...] | None:
    """The tables that the flags of :func:`add_report_flags` ask for, so that no others need be made; None: all.

    Args:
        known: every key that there can be.
        shown: the tables that people get where they do not say; None: all.
        single: the table that a CSV holds where nothing is said; empty: the one that stands for the whole.

    Raises:
        UsageError, ExportError: as :func:`check_report_flags`; or there is no such table.
    """
    check_report_flags(args)
    if args.table is not None:
        for key in args.table:
            if key not in known:
                raise no_table(key, known)
        return tuple(dict.fromkeys(args.table))
    format = report_format(args)
    if format == "csv":
        return (single,) if single and not _is_folder(args.out) else None
    return None if format == "json" or shown is None else tuple(shown)


def rows_wanted(args: argparse.Namespace) -> int | None:
    """How many rows of a long table will be written; None: all."""
    if args.limit is not None:
        return args.limit or None
    return ROWS if report_format(args) in ("table", "md") else None


def put_report(
    report: Report,
    args: argparse.Namespace,
    narration: Narration,
    *,
    shown: Sequence[str] | None = None,
    whole: Collection[str] = (),
    single: str = "",
    known: Sequence[str] | None = None,
    on_request: Collection[str] = (),
) -> None:
    """Write a report as the flags of :func:`add_report_flags` ask.

    Args:
        shown: the tables that people get where they do not say; None: all.
        whole: those of which they get every row, however many.
        single: the table that a CSV holds where nothing is said; empty: the one that stands for the whole.
        known: every key that there can be, where the report has only the tables that were asked for.
        on_request: those of them that are in no format unless ``--table`` asks for them.

    Raises:
        UsageError: no such table, several as CSV on standard output, a limit below 0.
        ExportError: a file cannot be written.
    """
    every = [table.key for table in report.tables] if known is None else known
    keys, format = chosen_tables(args, every, shown=shown, single=single), report_format(args)
    if format == "csv":
        for remark in report.remarks:
            narration.say(f"note: {printable(remark)}")
    if _is_folder(args.out):
        _put_folder(report, keys, args, narration, whole)
        return
    width = shutil.get_terminal_size((_WIDTH, 24)).columns if args.out == "-" else _WIDTH
    text = written(report, format, tables=keys, width=width, limit=args.limit, whole=whole)
    if args.out == "-":
        _put_stdout(text, format)
    else:
        _put_file(Path(args.out), text, overwrite=args.overwrite)
        narration.say(f"{_tables(len(selected(report, keys)))} to {user_path(args.out).resolve()}")
    others = [key for key in every if keys is not None and key not in keys]
    if others and args.table is None and format in ("table", "md"):
        narration.say(f"also there: {', '.join(others)} (--table KEY{_json_holds(others, on_request)})")


def _json_holds(others: Sequence[str], on_request: Collection[str]) -> str:
    """How many of the tables that are not shown JSON has; nothing where that is none."""
    without = [key for key in others if key in on_request]
    if len(without) == len(others):
        return ""
    return f"; --format json holds all but {', '.join(without)}" if without else "; --format json holds all"


def report_format(args: argparse.Namespace) -> str:
    """The format that is asked for, in words or by the suffix of the file."""
    if args.format is not None:
        return str(args.format)
    if args.out == "-":
        return "table"
    if _is_folder(args.out):
        return "csv"
    return format_of(args.out) or "table"


def _is_folder(out: str) -> bool:
    return out != "-" and (out.endswith(os.sep) or user_path(out).is_dir())


def _put_folder(
    report: Report,
    keys: Sequence[str] | None,
    args: argparse.Namespace,
    narration: Narration,
    whole: Collection[str],
) -> None:
    """Each table as a file of its key."""
    folder = user_path(args.out)
    texts = {
        table.key: written(report, "csv", tables=[table.key], limit=args.limit, whole=whole)
        for table in selected(report, keys)
    }
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise ExportError(f"{folder} cannot be made: {error.strerror or error}.", "Choose another place.") from None
    targets = {key: check_target(folder / f"{key}.csv", overwrite=args.overwrite) for key in texts}
    for key, target in targets.items():
        _put_file(target, texts[key], overwrite=args.overwrite)
    narration.say(f"{_tables(len(texts))} to {folder.resolve()}: {', '.join(texts)}")


def _put_file(path: Path, text: str, *, overwrite: bool) -> None:
    data = _bytes(text)
    write_whole(check_target(path, overwrite=overwrite), lambda stream: stream.write(data), overwrite=overwrite)


def _put_stdout(text: str, format: str) -> None:
    if format == "table":
        sys.stdout.write(text)  # in the terminal's own encoding
        sys.stdout.flush()
        return
    sys.stdout.flush()
    sys.stdout.buffer.write(_bytes(text))
    sys.stdout.buffer.flush()  # before anything is said about it


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", errors="backslashreplace")  # a lone surrogate as \udXXX, which is how JSON spells it


def _tables(count: int) -> str:
    return quantity(count, "table")
