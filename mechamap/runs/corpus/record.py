"""The corpus of a run, as its record says it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from mechamap.system.plain_values import Recorded

__all__ = ["CategoryCounts", "CorpusFile", "CorpusRecord"]


@dataclass(frozen=True, slots=True)
class CorpusFile:
    """A file or data set of a corpus, and how many documents it has, blank ones included; -1 where that is unknown."""

    name: str
    documents: int


@dataclass(frozen=True, slots=True)
class CategoryCounts:
    """How many occurrences a category has in the corpus, and how many of them were drawn to be ranked; likewise of the
    scored positions outside all of them."""

    occurrences: int
    drawn: int
    rest: int
    rest_drawn: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CorpusRecord(Recorded):
    """A corpus as far as it was read.

    Attributes:
        files: what it consists of.
        documents: how many with tokens were read.
        tokens: how many they have, without special tokens around windows.
        windows, scored: how many sequences the model read, and how many positions count.
        shards: how many the corpus was cut into; ``merged`` are those whose statistics are in the figures.
        part: which part of it was asked for, as in ``3/16``; empty: all.
        padding: on which side shorter sequences are filled up.
        first_ids: the first tokens of the first document.
        stream: a hash of all tokens with the numbers of their documents, hexadecimal.
        categories: the numbers that the rank statistics rest on.
        figures_in: the folder of the figures while the scan is unfinished; empty: they are beside the record.
        kept: the folder of the tokens that the run keeps.
        kept_tokens: how many these are.
        whole_windows: whether they are whole windows of the model.
    """

    files: tuple[CorpusFile, ...] = ()
    documents: int = 0
    tokens: int = 0
    windows: int = 0
    scored: int = 0
    shards: int = 0
    merged: int = 0
    part: str = ""
    padding: str = "right"
    first_ids: tuple[int, ...] = ()
    stream: str = ""
    categories: Mapping[str, CategoryCounts] = field(default_factory=dict)
    figures_in: str = ""
    kept: str = ""
    kept_tokens: int = 0
    whole_windows: bool = False
