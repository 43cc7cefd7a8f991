"""What a corpus is made of, and what is told of its reading."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

__all__ = ["LARGEST_DOCUMENT", "Document", "DocumentRange", "InventoryProgress", "ProgressListener"]

LARGEST_DOCUMENT = 64_000_000
"""Bytes of the longest document, and of the longest line, that is read; both are held in memory whole."""


@dataclass(frozen=True, slots=True)
class Document:
    """A text of a corpus.

    Attributes:
        number: its place in the whole corpus, from 0, the same however the corpus is cut.
        name: where it is, for people: ``stories.jsonl:1204``, ``folder/a.txt``; lines and rows count from 1.
        text: never blank.
    """

    number: int
    name: str
    text: str


@dataclass(frozen=True, slots=True)
class DocumentRange:
    """Documents ``first`` up to, not including, ``stop``; blank ones among them count but are not read.

    Attributes:
        characters: of their texts; None where that is known only after reading.
    """

    first: int
    stop: int
    characters: int | None


@dataclass(frozen=True, slots=True)
class InventoryProgress:
    """How far the first reading of a corpus is.

    Attributes:
        name: the file that is read.
        file: its place among the files, from 0.
        files: how many there are.
        bytes_read: of all files so far, as they are on disk.
        bytes_total: of all files.
    """

    name: str
    file: int
    files: int
    bytes_read: int
    bytes_total: int


ProgressListener: TypeAlias = Callable[[InventoryProgress], None]
