"""The first reading of a file: every record is looked at, and what is found is counted."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from mechamap.corpus.byte_streams import unreadable
from mechamap.corpus.file_reading import all_texts, member_of
from mechamap.corpus.inventory import FileRecord, Marks
from mechamap.corpus.parquet_files import hear_file
from mechamap.corpus.source_files import SourceFile
from mechamap.errors import CorpusError

__all__ = ["changed", "counted", "file_state", "sha256_of"]


def counted(file: SourceFile, field: str | None, most_marks: int, read: Callable[[int], None]) -> FileRecord:
    """A file's record, after all of it has been read.

    Args:
        field: the member or column that holds the text, where it was said.
        most_marks: how many marks the record has at most.
        read: called with a number of bytes whenever so many more have been read.

    Raises:
        CorpusError: something in the file cannot be read, or it changed meanwhile.
        MissingExtra: a package that reads it is not installed.
    """
    state = file_state(file)
    member = member_of(file, field)
    digest = hashlib.sha256(usedforsecurity=False)

    def heard(data: memoryview) -> None:
        digest.update(data)
        read(len(data))

    marks = _MarkList(most_marks)
    blank = characters = number = 0
    for number, (offset, text) in enumerate(all_texts(file, member, heard), 1):
        if number > marks.due:
            marks.add(number - 1, offset, characters)
        if not text or text.isspace():
            blank += 1
        else:
            characters += len(text)
    if file_state(file) != state:
        raise changed(file)
    kept = marks.kept()
    return FileRecord(file.name, file.kind, member, *state, digest.hexdigest(), number, blank, characters, kept)


class _MarkList:
    """Marks at equal numbers of documents from each other, so many that there are never more than ``most``."""

    def __init__(self, most: int) -> None:
        self._most, self._step = most, 1
        self._rows: list[tuple[int, int, int]] = []
        self.due = 0
        """The document of the next mark."""

    def add(self, document: int, offset: int, characters: int) -> None:
        self._rows.append((document, offset, characters))
        if len(self._rows) > self._most:
            self._rows = self._rows[::2]
            self._step *= 2
        self.due = self._rows[-1][0] + self._step

    def kept(self) -> Marks:
        documents, offsets, characters = zip(*self._rows or [(0, 0, 0)], strict=True)
        return Marks(documents, offsets, characters)


def file_state(file: SourceFile) -> tuple[int, int]:
    """Size in bytes, and nanoseconds since 1970 at which it was last written.

    Raises:
        CorpusError: it is not there any more.
    """
    try:
        state = file.path.stat()
    except OSError as error:
        raise unreadable(file, error) from None
    return state.st_size, state.st_mtime_ns


def sha256_of(file: SourceFile, read: Callable[[int], None]) -> str:
    """The hash of a file's bytes; ``read`` as for :func:`counted`.

    Raises:
        CorpusError: it cannot be read.
    """
    digest = hashlib.sha256(usedforsecurity=False)

    def heard(data: memoryview) -> None:
        digest.update(data)
        read(len(data))

    hear_file(file, heard)
    return digest.hexdigest()


def changed(file: SourceFile) -> CorpusError:
    """The error of a file that is not what it was."""
    return CorpusError(
        f"{file.shown} has changed since the corpus was first read.",
        "Put the file back as it was, or scan the corpus anew.",
    )
