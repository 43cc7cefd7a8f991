"""A corpus cut into ranges of documents of about equal length."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

from mechamap.corpus.documents import DocumentRange
from mechamap.corpus.inventory import Inventory

__all__ = ["cut_into_shards", "ranges_of_stream"]


def cut_into_shards(
    inventory: Inventory, characters_per_shard: int, of_first: Sequence[int] = ()
) -> list[DocumentRange]:
    """All documents of a corpus' files in ranges that follow each other, the same for the same corpus anywhere.

    Cuts are at the inventory's marks. A range has at most ``characters_per_shard`` characters, the first ones those
    of ``of_first``, unless there is no mark within it: a document of more is a range of its own. Those of a data
    set that is read as it comes, which are not known, come from :func:`ranges_of_stream`.

    Raises:
        ValueError: ``characters_per_shard`` is not positive.
    """
    if min((characters_per_shard, *of_first)) < 1:
        raise ValueError(f"shards of {characters_per_shard} characters")
    sizes = itertools.chain(of_first, itertools.repeat(characters_per_shard))
    most = next(sizes)
    shards: list[DocumentRange] = []
    (first, before), *places = _cuts(inventory)
    last = (first, before)
    for place in places:
        if place[1] - before > most and last[0] > first:
            shards.append(DocumentRange(first, last[0], last[1] - before))
            first, before = last
            most = next(sizes)
        last = place
    if last[0] > first:
        shards.append(DocumentRange(first, last[0], last[1] - before))
    return shards


def ranges_of_stream(inventory: Inventory, documents_per_shard: int) -> Iterator[DocumentRange]:
    """Ranges of the data set behind a corpus' files, without end: the first of which nothing can be read is behind it.

    Raises:
        ValueError: ``documents_per_shard`` is not positive.
    """
    if documents_per_shard < 1:
        raise ValueError(f"shards of {documents_per_shard} documents")
    for first in itertools.count(inventory.documents, documents_per_shard):
        yield DocumentRange(first, first + documents_per_shard, None)


def _cuts(inventory: Inventory) -> Iterator[tuple[int, int]]:
    """Where shards may end: numbers of documents in the corpus, with the characters in front of them."""
    start = characters = 0
    for file in inventory.files:
        for document, before in zip(file.marks.documents, file.marks.characters, strict=True):
            yield start + document, characters + before
        start += file.documents
        characters += file.characters
    yield start, characters
