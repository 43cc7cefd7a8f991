"""The column of a Parquet file that holds the texts, read batch by batch."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import accumulate
from typing import Any

from mechamap.corpus.byte_streams import BLOCK, Heard, pyarrow_for, unreadable
from mechamap.corpus.documents import LARGEST_DOCUMENT
from mechamap.corpus.members import choose_another, chosen_member, listed, no_member
from mechamap.corpus.source_files import SourceFile
from mechamap.errors import CorpusError
from mechamap.wording.amounts import size
from mechamap.wording.plain import printable

__all__ = ["hear_file", "parquet_member", "parquet_texts", "row_groups"]

_BATCH_BYTES, _MOST_ROWS = 4_000_000, 4096  # of what is decoded at once


def parquet_member(file: SourceFile, field: str | None) -> str:
    """Which column holds the text.

    Raises:
        CorpusError: there is none of texts, or the file is damaged.
        MissingExtra: pyarrow is not installed.
    """
    pyarrow = pyarrow_for(file)
    with _opened(file, pyarrow) as table:
        schema = table.schema_arrow
        of_text = [column.name for column in schema if _is_text(pyarrow, column.type)]
        others = {column.name: column.type for column in schema if column.name not in of_text}
        member = chosen_member(file.shown, schema.names, of_text, field)
        if member in others:
            raise CorpusError(
                f"{file.shown}: the column {listed([member])} is of {printable(str(others[member]))}, not of texts.",
                choose_another(of_text) if of_text else "It has no column of texts; choose another file.",
            )
        return member


def parquet_texts(file: SourceFile, member: str, first: int) -> Iterator[tuple[int, str]]:
    """The text of every row from row ``first`` on (counted from 0), each with the offset 0; that of a null is empty.

    Raises:
        CorpusError: the file is damaged, has no such column, or a text is not UTF-8 or longer than is read.
        MissingExtra: pyarrow is not installed.
    """
    pyarrow = pyarrow_for(file)
    with _opened(file, pyarrow) as table:
        if member not in table.schema_arrow.names:
            raise no_member(file.shown, member, table.schema_arrow.names)
        row = 0
        for group in range(table.metadata.num_row_groups):
            rows, unpacked = table.metadata.row_group(group).num_rows, table.metadata.row_group(group).total_byte_size
            end = row + rows
            if end <= first:
                row = end
                continue
            at_once = min(max(_BATCH_BYTES * rows // max(unpacked, 1), 1), _MOST_ROWS)
            for batch in table.iter_batches(at_once, row_groups=[group], columns=[member], use_threads=False):
                skipped = min(max(first - row, 0), len(batch))
                for text in _texts(pyarrow, file, batch.column(0).slice(skipped), row + skipped):
                    yield 0, text
                row += len(batch)
            if row != end:  # numbers of rows further down would be other ones for a reading that passes this group over
                raise ValueError(f"a group of {rows:,} rows has {row - end + rows:,}")


def row_groups(file: SourceFile) -> tuple[list[int], int]:
    """The first row of each group of rows, and how many rows there are.

    Raises:
        CorpusError: the file is damaged.
        MissingExtra: pyarrow is not installed.
    """
    pyarrow = pyarrow_for(file)
    with _opened(file, pyarrow) as table:
        metadata = table.metadata
        counts = [metadata.row_group(group).num_rows for group in range(metadata.num_row_groups)]
    starts = list(accumulate(counts, initial=0))
    return starts[:-1], starts[-1]


def hear_file(file: SourceFile, heard: Heard) -> None:
    """Have all bytes of a file heard."""
    buffer = memoryview(bytearray(BLOCK))
    try:
        with file.path.open("rb", buffering=0) as raw:
            while count := raw.readinto(buffer):
                heard(buffer[:count])
    except OSError as error:
        raise unreadable(file, error) from None


@contextmanager
def _opened(file: SourceFile, pyarrow: Any) -> Iterator[Any]:
    """The file as a table; what pyarrow raises while it is used becomes an error of the corpus."""
    damage = (pyarrow.ArrowException, OSError, ValueError, TypeError, OverflowError, MemoryError)
    try:
        if not file.path.stat().st_size:
            raise CorpusError(f"{file.shown} is empty.", "Get the file again.")
        with pyarrow.parquet.ParquetFile(
            file.path, buffer_size=BLOCK, page_checksum_verification=True, memory_map=False
        ) as table:
            yield table
    except damage as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise unreadable(file, error) from None
        reason = printable(str(error).partition("\n")[0].rstrip(".")) or type(error).__name__
        raise CorpusError(f"{file.shown} is not Parquet, or damaged: {reason}.", "Get the file again.") from None


def _is_text(pyarrow: Any, kind: Any) -> bool:
    types = pyarrow.types
    if types.is_dictionary(kind):
        kind = kind.value_type
    return bool(types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind))


def _texts(pyarrow: Any, file: SourceFile, column: Any, row: int) -> list[str]:
    """The texts of a batch, whose first row is ``row``."""
    column = column.cast(pyarrow.large_string(), safe=False)
    lengths = pyarrow.compute.binary_length(column)
    longest = pyarrow.compute.max(lengths).as_py() or 0
    if longest > LARGEST_DOCUMENT:
        place = pyarrow.compute.index(lengths, longest).as_py()
        raise CorpusError(
            f"{file.at(row + place + 1)} is a text of more than {size(LARGEST_DOCUMENT)}.",
            "Cut that document up, or take it out.",
        )
    try:
        return [text or "" for text in column.to_pylist()]
    except UnicodeDecodeError:
        for place, value in enumerate(column):
            try:
                value.as_py()
            except UnicodeDecodeError:
                raise CorpusError(
                    f"{file.at(row + place + 1)} is not UTF-8.", "Mend that row, or take it out."
                ) from None
        raise
