"""What is known of a corpus after it has been read once; kept, so that it need not be read once more."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import Any

from mechamap.corpus.source_files import FileKind
from mechamap.system.plain_values import from_plain_values, to_plain_values

__all__ = ["FileRecord", "Inventory", "Marks", "StreamRecord"]


@dataclass(frozen=True, slots=True)
class Marks:
    """Places in a file at which reading can begin, and a shard can end; three lists of one length.

    Attributes:
        documents: numbers of documents of the file, rising from 0.
        offsets: bytes into what is unpacked at which they begin; 0 in a file without lines.
        characters: of all documents in front of them.
    """

    documents: tuple[int, ...]
    offsets: tuple[int, ...]
    characters: tuple[int, ...]

    def before(self, document: int) -> tuple[int, int]:
        """The last mark at or in front of a document of the file: its document and its offset."""
        place = bisect_right(self.documents, document) - 1
        return self.documents[place], self.offsets[place]


@dataclass(frozen=True, slots=True)
class FileRecord:
    """A file as it was when it was read.

    Attributes:
        name: what its documents are named after.
        kind: how its documents are divided.
        member: of a record, or column, that holds the text; empty in a file of plain text.
        size: bytes on disk.
        modified: nanoseconds since 1970.
        sha256: of its bytes on disk.
        documents: how many it has, blank ones included.
        blank: how many of them have no text.
        characters: of its texts.
        marks: where reading can begin.
    """

    name: str
    kind: str
    member: str
    size: int
    modified: int
    sha256: str
    documents: int
    blank: int
    characters: int
    marks: Marks

    def document_name(self, number: int) -> str:
        """The name of its document ``number``, counted from 0."""
        return self.name if self.kind == FileKind.TEXT else f"{self.name}:{number + 1}"


@dataclass(frozen=True, slots=True)
class StreamRecord:
    """A data set that is read as it comes, so that its number of documents is not known.

    Attributes:
        name: ``hf:owner/name/config:split``.
        member: the column that holds the text.
        fingerprint: of its files, as the library ``datasets`` names it.
    """

    name: str
    member: str
    fingerprint: str


@dataclass(frozen=True)
class Inventory:
    """All files of a corpus, in the order in which they are read, and a data set at the end of them.

    Attributes:
        per_line: whether each line of a text file is a document.
        files: one record a file.
        stream: the data set, None where there is none.
    """

    per_line: bool
    files: tuple[FileRecord, ...]
    stream: StreamRecord | None = None

    @property
    def documents(self) -> int:
        """Of the files, blank ones included."""
        return sum(file.documents for file in self.files)

    @property
    def blank(self) -> int:
        """Documents of the files that have no text; they count, but are not read."""
        return sum(file.blank for file in self.files)

    @property
    def characters(self) -> int:
        """Of the files' texts."""
        return sum(file.characters for file in self.files)

    @cached_property
    def starts(self) -> tuple[int, ...]:
        """For each file the number of its first document in the corpus, and last the number behind them all."""
        return tuple(accumulate((file.documents for file in self.files), initial=0))

    def name_of(self, number: int) -> str:
        """The name of a document of the corpus, told without its files.

        Raises:
            IndexError: there is no document of that number.
        """
        end = self.starts[-1]
        if 0 <= number < end:
            file = bisect_right(self.starts, number) - 1
            return self.files[file].document_name(number - self.starts[file])
        if number < 0 or self.stream is None:
            raise IndexError(f"the corpus has no document {number:,}")
        return f"{self.stream.name}:{number - end + 1}"

    def identity(self) -> dict[str, Any]:
        """What two readings of the same corpus have in common wherever its files lie, as plain values for JSON."""
        members = ("name", "kind", "member", "size", "sha256", "documents")
        return {
            "per_line": self.per_line,
            "files": [{name: getattr(file, name) for name in members} for file in self.files],
            "stream": to_plain_values(self.stream),
        }

    def to_plain(self) -> dict[str, Any]:
        """As JSON holds it; :meth:`from_plain` reads it back."""
        plain: dict[str, Any] = to_plain_values(self)
        return plain

    @classmethod
    def from_plain(cls, value: object) -> Inventory:
        """What :meth:`to_plain` wrote.

        Raises:
            ValueError: it is something else; the message names the member.
        """
        inventory = from_plain_values(cls, value, "inventory")
        for number, file in enumerate(inventory.files):
            if (problem := _problem(file)) is not None:
                raise ValueError(f"inventory.files[{number}] {problem}")
        return inventory


def _problem(file: FileRecord) -> str | None:
    """What is wrong with a record whose types are right."""
    marks = file.marks
    if file.kind not in tuple(FileKind):
        return f"is of kind {file.kind!r}, which is unknown"
    if not len(marks.documents) == len(marks.offsets) == len(marks.characters) > 0 or marks.documents[0] != 0:
        return "has marks that do not begin with its first document"
    rising = all(list(row) == sorted(row) and row[0] >= 0 for row in (marks.documents, marks.offsets, marks.characters))
    if not rising or marks.documents[-1] > max(file.documents - 1, 0) or marks.characters[-1] > file.characters:
        return "has marks that do not rise within it"
    if not 0 <= file.blank <= file.documents:
        return "has more blank documents than documents"
    return None
