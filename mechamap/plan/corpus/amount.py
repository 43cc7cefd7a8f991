"""How much a model reads: documents, tokens, sequences and batches, which can be added up and scaled."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from mechamap.capture.batches import padded_length
from mechamap.text.chunk import Chunk

__all__ = ["Amount", "total"]


@dataclass(frozen=True, slots=True)
class Amount:
    """Documents as a model reads them; numbers are whole where they were counted, and estimates else.

    Attributes:
        documents: those with tokens.
        tokens: theirs, without special tokens around sequences.
        positions: with these.
        scored: how many of them count.
        windows: sequences.
        padded: positions with the padding of each sequence.
        batches: forwards.
        occurrences: of each category; None where nobody looked for them.
        text_bytes: of the documents' text, in UTF-8.
        name_bytes: of the documents' names.
    """

    documents: float = 0
    tokens: float = 0
    positions: float = 0
    scored: float = 0
    windows: float = 0
    padded: float = 0
    batches: float = 0
    occurrences: tuple[float, ...] | None = None
    text_bytes: float = 0
    name_bytes: float = 0

    @classmethod
    def of(cls, chunk: Chunk, batch: int, categories: int) -> tuple[Amount, Counter[int]]:
        """A chunk in batches of at most so many tokens, and how many sequences are padded to each length."""
        limit = chunk.tokenized.exclusions.window or max((w.length for w in chunk.tokenized.windows), default=0)
        lengths = Counter(min(padded_length(window.length), limit) for window in chunk.tokenized.windows)
        of_categories = Counter(occurrence.category for occurrence in chunk.words.occurrences)
        amount = cls(
            documents=len(chunk.documents),
            tokens=chunk.tokens,
            positions=len(chunk.tokenized.ids),
            scored=int(np.count_nonzero(chunk.tokenized.scored)),
            windows=len(chunk.tokenized.windows),
            padded=sum(length * count for length, count in lengths.items()),
            batches=batches_of(lengths, batch),
            occurrences=tuple(of_categories[number] for number in range(categories)),
            text_bytes=sum(len(document.text.encode("utf-8", "replace")) for document in chunk.documents),
            name_bytes=sum(len(document.name.encode("utf-8", "replace")) + 1 for document in chunk.documents),
        )
        return amount, lengths

    def scaled(self, factor: float) -> Amount:
        """So many times as much."""
        occurrences = None if self.occurrences is None else tuple(count * factor for count in self.occurrences)
        return Amount(
            self.documents * factor,
            self.tokens * factor,
            self.positions * factor,
            self.scored * factor,
            self.windows * factor,
            self.padded * factor,
            self.batches * factor,
            occurrences,
            self.text_bytes * factor,
            self.name_bytes * factor,
        )


def batches_of(lengths: Mapping[int, int], batch: int) -> int:
    """How many batches sequences make, given by their padded length, where those of one length go together."""
    return sum(-(-count // max(batch // length, 1)) for length, count in lengths.items())


def total(amounts: Iterable[Amount]) -> Amount:
    """All of them together."""
    amounts = [amount for amount in amounts if amount.documents]
    names = ("documents", "tokens", "positions", "scored", "windows", "padded", "batches", "text_bytes", "name_bytes")
    sums = {name: sum(getattr(amount, name) for amount in amounts) for name in names}
    counted = [amount.occurrences for amount in amounts if amount.occurrences is not None]
    occurrences = tuple(map(sum, zip(*counted, strict=True))) if counted and len(counted) == len(amounts) else None
    return Amount(**sums, occurrences=occurrences)
