"""A few documents of a corpus as a model reads them: tokens with their places in the corpus, and words that occur."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mechamap.config.scan_config import ScanConfig
from mechamap.corpus.documents import Document
from mechamap.text.occurrences import FoundWords, find_words
from mechamap.text.tokenize import TokenizedText, tokenize

__all__ = ["Chunk", "ChunkReader", "key_of", "place_of"]


_POSITION_BITS = 32


def key_of(document: int, position: int) -> int:
    """A place in a corpus as one number, which sorts by document and then by position."""
    return document << _POSITION_BITS | position


def place_of(key: int) -> tuple[int, int]:
    """The document's number and the token's position in it, of what :func:`key_of` gave."""
    return key >> _POSITION_BITS, key & (1 << _POSITION_BITS) - 1


@dataclass(frozen=True, slots=True, eq=False)
class Chunk:
    """Documents that follow each other in a corpus, tokenized.

    Attributes:
        documents: those that have tokens, in order; ``tokenized`` counts them as its texts.
        tokenized: their windows.
        keys: ``[positions]``, the place of each token in the corpus; -1 for special tokens around windows.
        words: the occurrences of each category's words.
    """

    documents: tuple[Document, ...]
    tokenized: TokenizedText
    keys: NDArray[np.int64]
    words: FoundWords

    @property
    def tokens(self) -> int:
        """How many tokens the documents have, without those around windows."""
        return int(np.count_nonzero(self.keys >= 0))


@dataclass(frozen=True, slots=True)
class ChunkReader:
    """Tokenizes documents.

    Attributes:
        tokenizer: the model's.
        config: of the scan; its corpus says how long windows are.
        context: the most tokens that the model reads, None where it has no limit.
        kind: of the model.
    """

    tokenizer: Any
    config: ScanConfig
    context: int | None
    kind: str

    def chunks(self, documents: Iterable[Document], tokens: int) -> Iterator[Chunk]:
        """Documents in chunks of about so many tokens, at least one document each."""
        group: list[Document] = []
        characters = 0
        per_token = 3.0  # characters, until some were read
        for document in documents:
            group.append(document)
            characters += len(document.text)
            if characters >= tokens * per_token:
                chunk = self.chunk(group)
                per_token = max(characters / max(chunk.tokens, 1), 0.5)
                yield chunk
                group, characters = [], 0
        if group:
            yield self.chunk(group)

    def chunk(self, documents: Sequence[Document]) -> Chunk:
        """Some documents as a chunk."""
        corpus = self.config.corpus
        assert corpus is not None
        texts = [document.text for document in documents]
        config = replace(self.config, window=corpus.seq_len)
        tokenized = tokenize(texts, self.tokenizer, config, self.context, self.kind, partial=True)
        own = tokenized.offsets[:, 0] >= 0  # [positions], not around a window
        # Special tokens around windows have no place in a document, so they are never scored.
        tokenized = replace(tokenized, scored=tokenized.scored & own)
        lists = [category.words for category in self.config.categories]
        words = find_words(tokenized, texts, lists, _silent)
        return Chunk(tuple(documents), tokenized, _keys(documents, tokenized, own), words)


def _silent(share: float) -> None:
    pass


def _keys(documents: Sequence[Document], tokenized: TokenizedText, own: NDArray[np.bool_]) -> NDArray[np.int64]:
    """The place of each position in the corpus, ``[positions]``; -1 where it has none."""
    texts = np.array([window.text for window in tokenized.windows], np.int64)  # [windows]
    lengths = np.array([window.length for window in tokenized.windows], np.int64)  # [windows]
    numbers = np.array([document.number for document in documents], np.int64)  # [documents]
    of_position = np.repeat(texts, lengths)  # [positions]
    counted = np.cumsum(own)  # [positions] tokens up to here
    first = np.searchsorted(of_position, np.arange(len(documents)))  # [documents] first position of each
    before = np.concatenate([[0], counted])[first]  # [documents] tokens in front of it
    keys = (numbers[of_position] << _POSITION_BITS) | (counted - 1 - before[of_position])
    return np.where(own, keys, -1)
