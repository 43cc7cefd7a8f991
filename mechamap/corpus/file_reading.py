"""The documents of one file, whichever kind it is of."""

from __future__ import annotations

from collections.abc import Iterator

from mechamap.corpus.byte_streams import Heard, open_unpacked, skip_bytes
from mechamap.corpus.inventory import FileRecord
from mechamap.corpus.json_lines import json_member, json_texts
from mechamap.corpus.lines import text_lines, whole_text
from mechamap.corpus.parquet_files import hear_file, parquet_member, parquet_texts
from mechamap.corpus.source_files import FileKind, SourceFile

__all__ = ["all_texts", "member_of", "nearest_start", "texts_from"]


def member_of(file: SourceFile, field: str | None) -> str:
    """The member or column that holds the text; empty where the file has none.

    Raises:
        CorpusError: there is none, or several could be meant, or the file cannot be read.
        MissingExtra: a package that reads it is not installed.
    """
    match file.kind:
        case FileKind.JSON_LINES:
            return json_member(file, field)
        case FileKind.PARQUET:
            return parquet_member(file, field)
        case _:
            return ""


def all_texts(file: SourceFile, member: str, heard: Heard) -> Iterator[tuple[int, str]]:
    """The text of every document of a file, each with the offset at which it begins; a blank one's may be empty.

    Args:
        heard: hears all bytes of the file, by the time that the last document has been taken.

    Raises:
        CorpusError: something in the file cannot be read.
        MissingExtra: a package that reads it is not installed.
    """
    if file.kind is FileKind.PARQUET:
        hear_file(file, heard)
        yield from parquet_texts(file, member, 0)
    else:
        yield from _unpacked_texts(file, member, 0, 0, heard)


def nearest_start(file: SourceFile, record: FileRecord, first: int) -> tuple[int, int]:
    """The last document at or in front of ``first`` at which reading can begin, and the offset of its mark."""
    return (first, 0) if file.kind is FileKind.PARQUET else record.marks.before(first)


def texts_from(file: SourceFile, member: str, document: int, offset: int) -> Iterator[tuple[int, str]]:
    """The texts of a file from a start on; what it gives and raises is as for :func:`all_texts`."""
    if file.kind is FileKind.PARQUET:
        return parquet_texts(file, member, document)
    return _unpacked_texts(file, member, document, offset, None)


def _unpacked_texts(
    file: SourceFile, member: str, document: int, offset: int, heard: Heard | None
) -> Iterator[tuple[int, str]]:
    with open_unpacked(file, heard) as stream:
        skip_bytes(file, stream, offset)
        match file.kind:
            case FileKind.TEXT:
                yield 0, whole_text(file, stream)
            case FileKind.TEXT_LINES:
                yield from text_lines(file, stream, document, offset)
            case _:
                yield from json_texts(file, stream, member, document, offset)
