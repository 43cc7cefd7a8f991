"""A CSV file as rows, some thousands at a time, so that one of any size takes little memory.

Rows are counted from the first of the file, blank ones too; lines differ from rows where a quoted cell holds some.
"""

from __future__ import annotations

import csv
import gzip
import re
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path
from typing import IO, NoReturn

from mechamap.csv_files.text import csv_text
from mechamap.errors import RunError
from mechamap.wording.advice import Hint

__all__ = ["CsvSource", "RowBlock", "open_source"]


_CELLS = 2**14  # of a block, few enough for a processor's cache
_LONGEST = 2**24  # characters of a line or a cell; in front of a quotation mark that nothing closes, the rest is one
_STEP = 0.005  # share of the file between two calls of progress
# The line by which Excel is told what stands between cells; saved again, it has some of that behind it.
_NAMED = re.compile(r'"?sep=(?P<delimiter>[^"\r\n\w])"?(?P=delimiter)*\s*', re.IGNORECASE)
_UNREADABLE = re.compile("[\udc80-\udcff]")  # what bytes that are not UTF-8 are read as


@dataclass(frozen=True, slots=True)
class RowBlock:
    """Consecutive rows, each with a cell for every column of the header.

    Attributes:
        rows: the cells of each.
        numbers: the number of each row; the header's is 1.
        lines: the line of the file that each begins at.
    """

    source: CsvSource
    rows: list[list[str]]
    numbers: list[int]
    lines: list[int]

    def column(self, position: int) -> list[str]:
        """The cells of a column."""
        return [row[position] for row in self.rows]

    def only(self, places: list[int]) -> RowBlock:
        """The rows at these places of the block."""
        return RowBlock(
            self.source,
            [self.rows[row] for row in places],
            [self.numbers[row] for row in places],
            [self.lines[row] for row in places],
        )

    def where(self, row: int) -> str:
        """``row 12``, or ``row 12 (line 15)``."""
        return _where(self.numbers[row], self.lines[row])

    def fail(self, row: int, column: str, problem: str, hint: str = "") -> NoReturn:
        """Raise the error that a cell is wrong."""
        self.source.fail(f", {self.where(row)}, column {column}: {problem}", hint or self.source.about_rows)

    def fail_at_text(self, pattern: re.Pattern[str], problem: Callable[[re.Match[str]], str]) -> None:
        """Raise an error for the first cell in which the pattern is found, if there is one."""
        for place, row in enumerate(self.rows):
            for column, cell in zip(self.source.header, row, strict=True):
                if match := pattern.search(cell):
                    self.fail(place, column, problem(match), "Save the file as CSV in UTF-8.")


class CsvSource:
    """An open CSV file.

    Attributes:
        header: the cells of the first row that is not blank.
        header_row: its number.
        delimiter: what stands between cells: a comma, semicolon or tab, or what a line ``sep=;`` above it names.
    """

    def __init__(self, path: Path, text: IO[str], progress: Callable[[], None]) -> None:
        self.path = path
        self._progress = progress
        lines = iter(partial(text.readline, _LONGEST), "")
        blank = 0  # lines above the header
        named = None
        first = next(lines, "")
        while first and (not first.strip() or (named is None and (named := _NAMED.fullmatch(first)) is not None)):
            blank, first = blank + 1, next(lines, "")
        self.delimiter = named["delimiter"] if named else max(",;\t", key=first.count)
        rows = chain([first] if first else [], lines)
        self._reader = csv.reader(rows, delimiter=self.delimiter, strict=True)
        self._again = 0
        self._first_again = ""
        self._blank = blank
        self._row = blank
        self.header_row = blank + 1
        self.header = next(self._records(), ([], 0, 0))[0]

    def fail(self, problem: str, hint: Hint) -> NoReturn:
        """Raise the error that the file is wrong."""
        raise RunError(f"{self.path}{problem}.", hint)

    @property
    def about_rows(self) -> str:
        """How rows are counted."""
        return f"Row {self.header_row} is the header."

    def blocks(self) -> Iterator[RowBlock]:
        """The rows below the header, those that are blank left out.

        Raises:
            RunError: a row has more or fewer cells than the header, or is not CSV.
        """
        records = self._records()
        size = max(_CELLS // len(self.header), 1)
        while True:
            block = RowBlock(self, [], [], [])
            for _, (row, number, line) in zip(range(size), records, strict=False):
                block.rows.append(row)
                block.numbers.append(number)
                block.lines.append(line)
            if not block.rows:
                return
            if {*map(len, block.rows)} != {len(self.header)}:
                self._fail_at_length(block)
            if "\0" in "".join(map("".join, block.rows)):
                block.fail_at_text(re.compile("\0"), lambda match: "there is a NUL byte")
            if repeats := block.rows.count(self.header):  # files put one behind another
                below = [place for place, row in enumerate(block.rows) if row != self.header]
                self._again += repeats
                self._first_again = self._first_again or block.where(block.rows.index(self.header))
                block = block.only(below)
            self._progress()
            if block.rows:
                yield block

    def remarks(self) -> list[str]:
        """Remarks on rows that were left out."""
        again = f"{self._again:,} times, first in" if self._again > 1 else "in"
        return [f"The header is repeated {again} {self._first_again}; it was skipped."] if self._again else []

    def _records(self) -> Iterator[tuple[list[str], int, int]]:
        """Each row that is not blank, its number and the line that it begins at."""
        reader, blank = self._reader, self._blank
        line = reader.line_num
        try:
            for row in reader:
                self._row += 1
                if any(row) and (len(row) > 1 or row[0].strip()):
                    yield row, self._row, blank + line + 1
                line = reader.line_num
        except csv.Error as error:
            self._fail_at_quotes(error, _where(self._row + 1, blank + line + 1))

    def _fail_at_quotes(self, error: csv.Error, place: str) -> NoReturn:
        reason = str(error)
        if "unexpected end" in reason or "field limit" in reason:
            self.fail(
                f", {place}: a quotation mark is not closed",
                "The file may be cut short. A quotation mark inside a cell is written twice.",
            )
        self.fail(
            f", {place}, is not valid CSV: {reason}",
            "Quote a cell that holds quotation marks, and write each mark twice.",
        )

    def _fail_at_length(self, block: RowBlock) -> NoReturn:
        columns = len(self.header)
        place, cells = next((place, len(row)) for place, row in enumerate(block.rows) if len(row) != columns)
        hint = (
            f"The first column without a cell is {self.header[cells] or cells + 1}."
            if cells < columns
            else f"Put a cell that holds {self.delimiter!r} in quotation marks."
        )
        self.fail(f", {block.where(place)}: {cells} cells under {columns} columns", f"{hint} {self.about_rows}")


@contextmanager
def open_source(path: Path, progress: Callable[[float], None] | None = None) -> Iterator[CsvSource]:
    """Open a CSV, packed with gzip or not.

    Args:
        progress: called now and then with the share of the file's bytes that was read; what it raises ends the reading.

    Raises:
        RunError: it is a folder, cannot be read, or is not text; also while it is being read.
    """
    limit = csv.field_size_limit(_LONGEST)
    try:
        with path.open("rb") as file:
            total_bytes = max(path.stat().st_size, 1)
            last_share = 0.0

            def tell() -> None:
                nonlocal last_share
                if progress is not None and (share := min(file.tell() / total_bytes, 1.0)) - last_share >= _STEP:
                    last_share = share
                    progress(share)

            with csv_text(path, file, "strict") as text:
                yield CsvSource(path, text, tell)
            if progress is not None:
                progress(1.0)
    except UnicodeDecodeError as error:
        _fail_at_bytes(path, error)
    except IsADirectoryError:
        raise RunError(f"{path} is a folder, not a CSV file.", "Name a file inside it.") from None
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise RunError(
            f"{path} cannot be read: {str(error).rstrip('.')}.",
            "The file is packed with gzip and is damaged or cut short; copy it or make it again.",
        ) from None
    except OSError as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise RunError(f"{path} cannot be read: {reason}.", "Check the path and its rights.") from None
    finally:
        csv.field_size_limit(limit)


def _fail_at_bytes(path: Path, error: UnicodeDecodeError) -> NoReturn:
    """Raise the error that names the first cell that is not text; the file is read again up to there."""
    hint = "Save it as CSV in UTF-8."
    if error.encoding != "utf-8":
        raise RunError(
            f"{path} is not {error.encoding.upper()}, although its byte order mark says so: {error.reason}.", hint
        ) from None
    with path.open("rb") as file, csv_text(path, file, "surrogateescape") as text:
        source = CsvSource(path, text, lambda: None)
        for number, cell in enumerate(source.header):
            if match := _UNREADABLE.search(cell):
                source.fail(f", cell {number + 1} of the header: {_unreadable(match)}", hint)
        for block in source.blocks():
            block.fail_at_text(_UNREADABLE, _unreadable)
    raise RunError(f"{path} is not UTF-8 text.", hint) from None


def _unreadable(match: re.Match[str]) -> str:
    return f"byte 0x{ord(match[0]) - 0xDC00:02x} is not UTF-8 text"


def _where(row: int, line: int) -> str:
    return f"row {row}" if row == line else f"row {row} (line {line})"
