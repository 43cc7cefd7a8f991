"""A file of a corpus: what its name says about how it is read."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from mechamap.wording.plain import printable

__all__ = ["KINDS_IN_WORDS", "FileKind", "SourceFile", "file_kind", "safe_name"]

KINDS_IN_WORDS = ".txt, .jsonl, either of them packed as .gz or .zst, or .parquet"


class FileKind(StrEnum):
    """How the documents of a file are divided."""

    TEXT = "text"  # the file is one document
    TEXT_LINES = "text lines"
    JSON_LINES = "json lines"
    PARQUET = "parquet"


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file of a corpus.

    Attributes:
        path: where it is on this machine.
        name: what its documents are named after, the same on every machine: ``folder/a.txt``.
        kind: how its documents are divided.
    """

    path: Path
    name: str
    kind: FileKind

    @property
    def shown(self) -> str:
        """Its path, for messages."""
        return printable(safe_name(str(self.path)))

    def at(self, number: int) -> str:
        """A line or row of it, counted from 1, for messages."""
        return f"{self.shown}:{number}"


_PACKED = (".gz", ".zst")
_KINDS = {".txt": FileKind.TEXT, ".jsonl": FileKind.JSON_LINES, ".ndjson": FileKind.JSON_LINES}


def file_kind(name: str, per_line: bool) -> FileKind | None:
    """The kind of a file by its name, in any case of letters; None where it is none that is read."""
    lowered = name.lower()
    if lowered.endswith(".parquet"):
        return FileKind.PARQUET
    for ending in _PACKED:
        lowered = lowered.removesuffix(ending)
    kind = _KINDS.get(Path(lowered).suffix)
    return FileKind.TEXT_LINES if kind is FileKind.TEXT and per_line else kind


def safe_name(name: str) -> str:
    """A file's name with bytes that are not UTF-8 spelled out, so that it can be written as UTF-8."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
