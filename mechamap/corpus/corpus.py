"""A corpus that is open: its documents from any place on."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from mechamap.corpus.byte_streams import is_packed
from mechamap.corpus.counting import changed, file_state
from mechamap.corpus.documents import Document
from mechamap.corpus.file_reading import nearest_start, texts_from
from mechamap.corpus.hub import HubStream
from mechamap.corpus.inventory import Inventory
from mechamap.corpus.source_files import SourceFile
from mechamap.errors import CorpusError

__all__ = ["Corpus"]


@dataclass(slots=True)
class _Cursor:
    """Where reading stopped, so that the next range goes on from there.

    Attributes:
        part: the file's place among the files; the data set comes behind them.
        position: number in that part of the document that comes next.
        texts: gives it.
    """

    part: int
    position: int
    texts: Iterator[tuple[int, str]]

    def close(self) -> None:
        if isinstance(self.texts, Generator):
            self.texts.close()


class Corpus:
    """Documents in order; made by :func:`~mechamap.corpus.opening.open_corpus`.

    Attributes:
        sources: as they were given.
        inventory: what is known of the files.
    """

    def __init__(
        self, sources: tuple[str, ...], files: Sequence[SourceFile], inventory: Inventory, stream: HubStream | None
    ) -> None:
        self.sources = sources
        self.inventory = inventory
        self._files = files
        self._stream = stream
        self._starts = inventory.starts
        self._cursor: _Cursor | None = None

    @property
    def documents(self) -> int | None:
        """How many there are, blank ones included; None where a data set is read as it comes."""
        return None if self._stream is not None else self._starts[-1]

    @property
    def characters(self) -> int | None:
        """Of all texts; None where a data set is read as it comes."""
        return None if self._stream is not None else self.inventory.characters

    @property
    def identity(self) -> dict[str, Any]:
        """Equal for two readings of the same corpus, wherever its files lie; plain values for JSON."""
        return self.inventory.identity()

    def name_of(self, number: int) -> str:
        """The name of a document, told without reading.

        Raises:
            IndexError: there is no document of that number.
        """
        return self.inventory.name_of(number)

    def read(self, first: int = 0, stop: int | None = None) -> Iterator[Document]:
        """The documents ``first`` up to, not including, ``stop``, less those without text.

        Reading goes on where it stopped last where that is nearer than the nearest mark, so ranges that follow each
        other cost no more than one reading of all, in packed files and data sets of the hub too.

        Raises:
            CorpusError: a file has changed since the inventory, or cannot be read any more.
            MissingExtra: a package that reads it is not installed.
        """
        end = self._starts[-1]
        last = end if stop is None else min(stop, end)
        part = bisect_right(self._starts, first) - 1
        while part < len(self._files) and self._starts[part] < last:
            start = self._starts[part]
            yield from self._of_part(part, max(first - start, 0), min(last, self._starts[part + 1]) - start)
            part += 1
        if self._stream is not None and (stop is None or stop > end):
            yield from self._of_part(len(self._files), max(first - end, 0), None if stop is None else stop - end)

    def _of_part(self, part: int, first: int, stop: int | None) -> Iterator[Document]:
        """Documents of a file, or of the data set behind the files, by their numbers in it."""
        if stop is not None and first >= stop:
            return
        self._refuse_changed(part)
        try:
            yield from self._from_cursor(self._cursor_at(part, first), first, stop)
        except CorpusError:
            self._refuse_changed(part)  # says more than what is wrong in what the file has become
            raise
        self._refuse_changed(part)

    def _from_cursor(self, cursor: _Cursor, first: int, stop: int | None) -> Iterator[Document]:
        part, start = cursor.part, self._starts[cursor.part]
        is_file, ended = part < len(self._files), True
        try:
            while stop is None or cursor.position < stop:
                _, text = next(cursor.texts, (0, None))
                if text is None:
                    if is_file:
                        raise changed(self._files[part])
                    return
                cursor.position += 1
                if cursor.position > first and text and not text.isspace():
                    ended = False
                    number = start + cursor.position - 1
                    yield Document(number, self.name_of(number), text)
                    ended = True
            ended = is_file and cursor.position >= self.inventory.files[part].documents
        finally:
            if ended:
                cursor.close()
            else:
                self._keep(cursor)

    def _cursor_at(self, part: int, first: int) -> _Cursor:
        """What gives the documents of a part from ``first`` on, or from one in front of it."""
        cursor, self._cursor = self._cursor, None
        if part == len(self._files):
            nearest, offset, is_slow = first, 0, True
        else:
            file = self._files[part]
            (nearest, offset), is_slow = nearest_start(file, self.inventory.files[part], first), is_packed(file)
        if cursor is not None:
            if cursor.part == part and cursor.position <= first and (is_slow or cursor.position >= nearest):
                return cursor
            cursor.close()
        if self._stream is not None and part == len(self._files):
            return _Cursor(part, first, self._stream.texts(first))
        texts = texts_from(self._files[part], self.inventory.files[part].member, nearest, offset)
        return _Cursor(part, nearest, texts)

    def _keep(self, cursor: _Cursor) -> None:
        if self._cursor is not None:
            self._cursor.close()
        self._cursor = cursor

    def _refuse_changed(self, part: int) -> None:
        if part < len(self._files):
            record = self.inventory.files[part]
            if file_state(self._files[part]) != (record.size, record.modified):
                raise changed(self._files[part])
