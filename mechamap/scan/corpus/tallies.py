"""What is counted of a corpus besides activations: documents, tokens, the words that occur, a hash of all tokens."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mechamap.config.scan_config import Category
from mechamap.runs.coverage import Coverage, FoundWord
from mechamap.text.chunk import Chunk
from mechamap.words.finder import has_no_border

__all__ = ["Tallies"]


_COUNTS = ("documents", "tokens", "windows", "positions", "scored", "first_positions", "special_positions", "excluded")
_LONGEST_WORD = 16  # tokens; longer ones are counted with those
_FIRST_TOKENS = 16
_WRAP = (1 << 64) - 1


@dataclass(slots=True, eq=False)
class Tallies:
    """Counts of the documents that were read so far.

    Attributes:
        counts: ``[8]`` documents with tokens, tokens, windows, positions (special tokens around windows included), and
            how many of these are scored, the first of a window, special, left out.
        words: ``[words of all categories, tokens]`` occurrences by their number of tokens, from 1.
        dropped: ``[categories]`` occurrences that a window's border cut or that are not scored.
        inside: ``[categories]`` scored positions inside occurrences.
        stream: hash of all token ids with the numbers of their documents, the same in whatever order they were read.
        first_document: the smallest number of a document; -1 before the first.
        first_ids: its first tokens, at most 16.
    """

    counts: NDArray[np.int64]
    words: NDArray[np.int64]
    dropped: NDArray[np.int64]
    inside: NDArray[np.int64]
    stream: int = 0
    first_document: int = -1
    first_ids: tuple[int, ...] = ()

    @classmethod
    def empty(cls, categories: Sequence[Category]) -> Tallies:
        """Before anything was read."""
        words = sum(len(category.words) for category in categories)
        return cls(
            np.zeros(len(_COUNTS), np.int64),
            np.zeros((words, _LONGEST_WORD), np.int64),
            np.zeros(len(categories), np.int64),
            np.zeros(len(categories), np.int64),
        )

    def __getitem__(self, name: str) -> int:
        """One of the counts, by its name."""
        return int(self.counts[_COUNTS.index(name)])

    def add(self, chunk: Chunk, inside: Sequence[int], first_words: NDArray[np.int64]) -> None:
        """Count a chunk.

        Args:
            inside: scored positions inside occurrences, for each category.
            first_words: ``[categories]``, the row of each category's first word.
        """
        exclusions = chunk.tokenized.exclusions
        scored = int(chunk.tokenized.scored.sum())
        texts = {window.text for window in chunk.tokenized.windows}
        self.counts += [
            len(texts), chunk.tokens, exclusions.windows, exclusions.positions, scored, exclusions.first_positions,
            exclusions.special_positions, exclusions.positions - scored,
        ]  # fmt: skip
        if chunk.words.occurrences:
            found = chunk.words.occurrences
            categories = np.array([each.category for each in found], np.intp)
            rows = first_words[categories] + np.array([each.word for each in found], np.int64)
            lengths = np.minimum([each.last - each.first for each in found], _LONGEST_WORD - 1).astype(np.int64)
            np.add.at(self.words, (rows, lengths), 1)
        self.dropped += chunk.words.dropped
        self.inside += inside
        self._add_ids(chunk)

    def _add_ids(self, chunk: Chunk) -> None:
        own = np.flatnonzero(chunk.keys >= 0)
        if not len(own):
            return
        keys, ids = chunk.keys[own], chunk.tokenized.ids[own]
        numbers = keys >> 32
        starts = np.flatnonzero(np.diff(numbers, prepend=-1))
        for first, stop in pairwise([*starts.tolist(), len(own)]):
            number = int(numbers[first])
            content = number.to_bytes(8, "little") + np.ascontiguousarray(ids[first:stop], "<i4").tobytes()
            digest = int.from_bytes(hashlib.blake2b(content, digest_size=8).digest(), "little")
            self.stream = (self.stream + digest) & _WRAP
            if self.first_document < 0 or number < self.first_document:
                self.first_document, self.first_ids = number, tuple(ids[first:stop][:_FIRST_TOKENS].tolist())

    def merge(self, other: Tallies) -> None:
        """Add what others, of other documents, counted."""
        for name in ("counts", "words", "dropped", "inside"):
            getattr(self, name).__iadd__(getattr(other, name))
        self.stream = (self.stream + other.stream) & _WRAP
        if self.first_document < 0 or 0 <= other.first_document < self.first_document:
            self.first_document, self.first_ids = other.first_document, other.first_ids

    def occurrences(self, categories: Sequence[Category]) -> NDArray[np.int64]:
        """``[categories]``, all that count."""
        starts = np.cumsum([0, *(len(category.words) for category in categories)])
        sums: NDArray[np.int64] = np.array(
            [self.words[first:stop].sum() for first, stop in pairwise(starts.tolist())], np.int64
        ).reshape(len(categories))
        return sums

    def coverage(self, categories: Sequence[Category]) -> dict[str, Coverage]:
        """How often each category's words came, by the category's name."""
        coverage = {}
        row = 0
        for number, category in enumerate(categories):
            counts = self.words[row : row + len(category.words)]
            row += len(category.words)
            pairs = [(word, of_word) for word, of_word in zip(category.words, counts, strict=True)]
            coverage[category.name] = Coverage(
                occurrences=int(counts.sum()),
                found={
                    word: FoundWord(int(of_word.sum()), int(of_word.argmax()) + 1)
                    for word, of_word in pairs
                    if of_word.any()
                },
                not_found=tuple(word for word, of_word in pairs if not of_word.any()),
                dropped=int(self.dropped[number]),
                anywhere=tuple(word for word in category.words if has_no_border(word)),
            )
        return coverage

    def arrays(self) -> dict[str, NDArray[Any]]:
        """All of it as arrays, as :meth:`from_arrays` takes them."""
        return {
            "counts": self.counts,
            "words": self.words,
            "dropped": self.dropped,
            "inside": self.inside,
            "stream": np.array([self.stream], np.uint64),
            "first_document": np.array([self.first_document], np.int64),
            "first_ids": np.array(self.first_ids, np.int64),
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Tallies:
        """The tallies that gave these arrays."""
        return cls(
            arrays["counts"], arrays["words"], arrays["dropped"], arrays["inside"], int(arrays["stream"][0]),
            int(arrays["first_document"][0]), tuple(arrays["first_ids"].tolist()),
        )  # fmt: skip
