"""Some documents of a file, from several places of it, and what they say about the rest."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace

from mechamap.corpus.byte_streams import BLOCK, UNREADABLE, open_unpacked, unreadable
from mechamap.corpus.counting import file_state
from mechamap.corpus.documents import LARGEST_DOCUMENT
from mechamap.corpus.file_reading import texts_from
from mechamap.corpus.parquet_files import row_groups
from mechamap.corpus.source_files import FileKind, SourceFile
from mechamap.errors import CorpusError

__all__ = ["Seen", "look_into"]


_PLACES = 16  # of a file at which it is read
_LONGEST = 20_000  # characters of a text that is kept
_UNPACKED = 1 << 16  # bytes that are unpacked at once to see how well a file is packed


@dataclass(frozen=True, slots=True)
class Seen:
    """What was read of one file or of several.

    Attributes:
        bytes: of the part that was read, as it is on disk.
        documents: in it, blank ones included.
        blank: of them.
        characters: of their texts.
        texts: the beginnings of some of them.
    """

    bytes: int = 0
    documents: int = 0
    blank: int = 0
    characters: int = 0
    texts: tuple[str, ...] = ()

    def __add__(self, other: Seen) -> Seen:
        return Seen(
            self.bytes + other.bytes,
            self.documents + other.documents,
            self.blank + other.blank,
            self.characters + other.characters,
            self.texts + other.texts,
        )

    def packed(self, factor: float) -> Seen:
        """The same of a file of which an unpacked byte takes ``factor`` bytes on disk."""
        return replace(self, bytes=max(round(self.bytes * factor), 1))

    def scaled(self, factor: float) -> Seen:
        """What so many times as much would be."""
        read, documents, blank, characters = (
            round(count * factor) for count in (self.bytes, self.documents, self.blank, self.characters)
        )
        return Seen(read, documents, blank, characters, self.texts)


def look_into(file: SourceFile, member: str, most: int, characters: int) -> Seen:
    """What is in about ``most`` bytes of a file.

    The beginning is read, and other places of files that can be read from the middle on. What cannot be read at those
    is passed over, since the number of its line, which a message needs, is not known.

    Args:
        member: that holds the text.
        most: bytes; a line is read whole.
        characters: of the texts that are kept, at most about.

    Raises:
        CorpusError: the beginning cannot be read.
        MissingExtra: a package that reads it is not installed.
    """
    size, _ = file_state(file)
    if file.kind is FileKind.PARQUET:
        return _rows(file, size, member, most, characters)
    if size <= most:
        return _all_texts(file, size, member, characters)
    is_plain = _is_plain(file)
    factor = 1.0 if is_plain else _packing(file, size, most)
    if file.kind is FileKind.TEXT:
        return _part_of_document(file, round(most / factor), characters).packed(factor)
    if not is_plain:
        texts = texts_from(file, member, 0, 0)
        return _stretch(texts, 0, round(size / factor), round(most / factor), characters).packed(factor)
    seen = Seen()
    for number in range(_PLACES):
        with suppress(*(CorpusError,) if number else ()):
            offset = _line_behind(file, size * (2 * number + 1) // (2 * _PLACES)) if number else 0
            texts = texts_from(file, member, int(number > 0), offset)
            stretch = _stretch(texts, offset, size, most // _PLACES, characters // _PLACES)
            if stretch.documents:  # it stands for a part of the file
                seen += stretch.scaled(size / _PLACES / stretch.bytes)
    return seen


@dataclass(slots=True)
class _Counter:
    """Counts texts, and keeps the first of them.

    Attributes:
        most: characters that are kept, at most about.
    """

    most: int
    documents: int = 0
    blank: int = 0
    characters: int = 0
    texts: list[str] = field(default_factory=list)
    kept: int = 0

    def add(self, text: str) -> None:
        self.documents += 1
        if not text or text.isspace():
            self.blank += 1
            return
        self.characters += len(text)
        if self.kept < self.most:
            self.texts.append(text[:_LONGEST])
            self.kept += len(self.texts[-1])

    def seen(self, read: int) -> Seen:
        """All texts, of a part with ``read`` bytes."""
        return Seen(read, self.documents, self.blank, self.characters, tuple(self.texts))


def _all_texts(file: SourceFile, size: int, member: str, characters: int) -> Seen:
    counter = _Counter(characters)
    for _, text in texts_from(file, member, 0, 0):
        counter.add(text)
    return counter.seen(size)


def _part_of_document(file: SourceFile, most: int, characters: int) -> Seen:
    """The first bytes of a document."""
    counter = _Counter(characters)
    try:
        with open_unpacked(file) as stream:
            data = stream.read(most)
    except UNREADABLE as error:
        raise unreadable(file, error) from None
    counter.add(data.decode("utf-8", "ignore"))
    return counter.seen(max(len(data), 1))


def _stretch(texts: Iterator[tuple[int, str]], offset: int, size: int, most: int, characters: int) -> Seen:
    """About ``most`` bytes of a file, from a line on that begins at ``offset``."""
    counter = _Counter(characters)
    for begin, text in texts:
        if begin - offset >= most and counter.documents:
            return counter.seen(begin - offset)
        counter.add(text)
    return counter.seen(size - offset)


def _rows(file: SourceFile, size: int, member: str, most: int, characters: int) -> Seen:
    """Rows at the beginnings of some groups of a table."""
    starts, rows = row_groups(file)
    count = min(len(starts), _PLACES)
    seen = Seen()
    for number in range(count):
        first = starts[(2 * number + 1) * len(starts) // (2 * count)]
        counter = _Counter(characters // count)
        for _, text in texts_from(file, member, first, 0):
            if counter.characters >= most // count or counter.documents * count >= rows:
                break
            counter.add(text)
        if counter.documents:  # they stand for as many rows as those at the other places
            seen += counter.seen(size * counter.documents // rows).scaled(rows / count / counter.documents)
    return seen


def _packing(file: SourceFile, size: int, most: int) -> float:
    """How many bytes on disk a byte of a packed file takes, by its first ``most`` bytes on disk.

    Raises:
        CorpusError: they cannot be read.
    """
    heard = unpacked = 0

    def hear(data: memoryview) -> None:
        nonlocal heard
        heard += len(data)

    try:
        with open_unpacked(file, hear) as stream:
            before = heard
            while block := stream.read(_UNPACKED):
                if heard > before:  # only now what was heard before has all been unpacked
                    if before >= most:
                        return before / max(unpacked, 1)
                    before = heard
                unpacked += len(block)
    except UNREADABLE as error:
        raise unreadable(file, error) from None
    return size / max(unpacked, 1)


def _is_plain(file: SourceFile) -> bool:
    """Whether a file's bytes are its text's, so that reading can begin anywhere in it."""
    with open_unpacked(file) as stream:
        return isinstance(stream, io.BufferedReader)


def _line_behind(file: SourceFile, offset: int) -> int:
    """Where the first line begins that does so behind ``offset``; the end of the file where none does.

    Raises:
        CorpusError: the file cannot be read, or the line that ``offset`` is in is longer than is read.
    """
    try:
        with open_unpacked(file) as stream:
            stream.seek(offset)
            for start in range(offset, offset + LARGEST_DOCUMENT, BLOCK):
                block = stream.read(BLOCK)
                if (place := block.find(b"\n")) >= 0 or len(block) < BLOCK:
                    return start + (place + 1 if place >= 0 else len(block))
    except UNREADABLE as error:
        raise unreadable(file, error) from None
    raise CorpusError(f"{file.shown} has a line that is longer than is read.", "Cut it up, or take it out.")
