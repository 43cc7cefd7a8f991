"""Lines and whole texts of a byte stream, each bounded in length."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import BinaryIO

from mechamap.corpus.byte_streams import BLOCK, UNREADABLE, open_unpacked, skip_bytes, unreadable
from mechamap.corpus.documents import LARGEST_DOCUMENT
from mechamap.corpus.source_files import SourceFile
from mechamap.errors import CorpusError
from mechamap.system.content import foreign_content, unicode_encoding, why_not_text
from mechamap.wording.advice import Advice, Hint, Setting
from mechamap.wording.amounts import size

__all__ = ["byte_lines", "decoded_line", "text_lines", "whole_text"]

_BOM = b"\xef\xbb\xbf"
_STEP = 8  # bytes, fewer than a record has


def byte_lines(file: SourceFile, stream: BinaryIO, line: int = 0, offset: int = 0) -> Iterator[tuple[int, bytes]]:
    """Every line of a stream without its ``\\n``, with the offset at which it begins.

    Args:
        stream: at the beginning of a line.
        line: the number of that line, counted from 0.
        offset: where it begins.

    Raises:
        CorpusError: what is packed is cut short or damaged, the file is something else than text, or a line is longer
            than is read.
    """
    pending: list[bytes] = []
    length = 0  # of what is pending
    try:
        while block := stream.read(BLOCK):
            if not offset and not pending:
                _refuse_foreign(file, block)
                if block.startswith(_BOM):
                    block, offset = block[len(_BOM) :], len(_BOM)
            first, *rest = block.split(b"\n")
            pending.append(first)
            length += len(first)
            if length > LARGEST_DOCUMENT:
                raise _too_long(file, line + 1)
            if not rest:
                continue
            yield offset, b"".join(pending)
            offset += length + 1
            for text in rest[:-1]:
                yield offset, text
                offset += len(text) + 1
            line += len(rest)
            pending, length = [rest[-1]], len(rest[-1])
    except UNREADABLE as error:
        raise unreadable(file, error, _last_line(file, offset + length, line) + 1) from None
    if length:
        yield offset, b"".join(pending)


def text_lines(file: SourceFile, stream: BinaryIO, line: int = 0, offset: int = 0) -> Iterator[tuple[int, str]]:
    """Every line as text, with the offset at which it begins; arguments and errors as for :func:`byte_lines`.

    Raises:
        CorpusError: a line is not UTF-8, besides.
    """
    for number, (start, data) in enumerate(byte_lines(file, stream, line, offset), line + 1):
        yield start, decoded_line(file, number, data)


def decoded_line(file: SourceFile, number: int, data: bytes) -> str:
    """A line as text, without the carriage return at its end.

    Args:
        number: of the line, counted from 1.

    Raises:
        CorpusError: it is not UTF-8, or has a NUL character.
    """
    try:
        text = data.removesuffix(b"\r").decode()
    except UnicodeDecodeError as error:
        problem = why_not_text(data)
        raise CorpusError(
            f"{file.at(number)} is not UTF-8: byte 0x{data[error.start]:02x}, the {error.start + 1:,}. of the line.",
            problem.hint if problem is not None and problem.offset is not None else "Mend that line, or take it out.",
        ) from None
    if "\0" in text:
        raise CorpusError(
            f"{file.at(number)} has a NUL character, which text does not have.", "Give a plain text file."
        )
    return text


def whole_text(file: SourceFile, stream: BinaryIO) -> str:
    """All of a stream as one text: line ends as ``\\n``, final ones taken off; empty where nothing is there.

    Raises:
        CorpusError: it is not UTF-8, longer than is read, cut short or damaged.
    """
    blocks: list[bytes] = []
    length = 0
    try:
        while block := stream.read(BLOCK):
            blocks.append(block)
            length += len(block)
            if length > LARGEST_DOCUMENT:
                raise CorpusError(
                    f"{file.shown} is one document of more than {size(LARGEST_DOCUMENT)}.",
                    Advice.of("Have each of its lines read as a document with {}, or cut it up.", Setting("per_line")),
                )
    except UNREADABLE as error:
        lines = sum(block.count(b"\n") for block in blocks)
        raise unreadable(file, error, _last_line(file, length, lines) + 1) from None
    data = b"".join(blocks)
    if (problem := why_not_text(data)) is not None:
        where = file.shown if problem.offset is None else file.at(data.count(b"\n", 0, problem.offset) + 1)
        raise CorpusError(f"{where} is {problem.what}; texts are read as UTF-8.", problem.hint)
    return data.decode("utf-8-sig").replace("\r\n", "\n").rstrip("\n")


def _refuse_foreign(file: SourceFile, block: bytes) -> None:
    """An error where a file that begins with ``block`` is of a format that is not plain text, or not in UTF-8."""
    problem = foreign_content(block)
    if problem is None and unicode_encoding(block) is not None:
        problem = why_not_text(block[: len(block) // 4 * 4])
    if problem is not None:
        raise CorpusError(f"{file.shown} is {problem.what}; lines of text in UTF-8 are read.", problem.hint)


def _last_line(file: SourceFile, position: int, line: int) -> int:
    """The last line of which something can be read; what of a block precedes the damage is lost with the block.

    Args:
        position: of the block in what is unpacked.
        line: in which it begins.
    """
    with suppress(CorpusError, *UNREADABLE), open_unpacked(file) as stream:
        skip_bytes(file, stream, position)
        while data := stream.read(_STEP):
            line += data.count(b"\n")
    return line


def _too_long(file: SourceFile, number: int) -> CorpusError:
    hint: Hint = "Cut that document up, or take it out."
    return CorpusError(f"{file.at(number)} is a line of more than {size(LARGEST_DOCUMENT)}.", hint)
