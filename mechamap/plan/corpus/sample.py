"""A few documents of a corpus, tokenized for how many tokens and sequences its characters make."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from mechamap.corpus.documents import Document
from mechamap.corpus.inventory import Inventory
from mechamap.plan.corpus.amount import Amount, batches_of
from mechamap.text.chunk import ChunkReader

__all__ = ["CHARACTERS_A_TOKEN", "Rates", "guessed", "sampled"]


CHARACTERS_A_TOKEN = 4.0  # of English, by tokenizers of today


@dataclass(frozen=True, slots=True)
class Rates:
    """What a character of a corpus makes.

    Attributes:
        of_character: the amounts of one; its batches are left out.
        lengths: how many sampled sequences are padded to each length.
        seconds: that reading a token and looking for words takes; 0 where nothing was tokenized.
        counted: whether documents were tokenized.
    """

    of_character: Amount
    lengths: Counter[int]
    seconds: float
    counted: bool

    def amount(self, characters: float, batch: int, chunk: int) -> Amount:
        """So many characters, read in chunks of ``chunk`` tokens and batches of ``batch``."""
        amount = self.of_character.scaled(characters)
        sampled = sum(self.lengths.values())
        chunks = max(math.ceil(amount.tokens / max(chunk, 1)), 1)
        each = amount.windows / chunks / max(sampled, 1)
        of_chunk = Counter({length: max(round(count * each), 1) for length, count in self.lengths.items()})
        fewest = amount.padded / max(batch, 1)
        batches = batches_of(of_chunk, batch) * chunks if amount.windows >= len(of_chunk) else amount.windows
        return replace(amount, batches=max(batches, fewest))


def sampled(documents: Sequence[Document], reader: ChunkReader, batch: int) -> Rates:
    """The rates of a corpus, from some of its documents."""
    began = time.perf_counter()
    chunk = reader.chunk(documents)
    seconds = time.perf_counter() - began
    amount, lengths = Amount.of(chunk, batch, len(reader.config.categories))
    characters = sum(len(document.text) for document in documents)
    rate = amount.scaled(1 / max(characters, 1))
    return Rates(replace(rate, batches=0), lengths, seconds / max(amount.tokens, 1), counted=True)


def guessed(inventory: Inventory, seq_len: int) -> Rates:
    """The rates of a corpus whose tokenizer is not here."""
    documents = max(inventory.documents - inventory.blank, 1)
    characters = max(inventory.characters / documents, 1.0) if inventory.documents else CHARACTERS_A_TOKEN * seq_len
    tokens = characters / CHARACTERS_A_TOKEN
    windows = max(-(-tokens // max(seq_len - 1, 1)), 1.0)
    of_document = Amount(
        1, tokens, tokens + windows, tokens, windows, tokens + windows, 0, None, characters, name_bytes=24
    )
    return Rates(of_document.scaled(1 / characters), Counter({min(seq_len, round(tokens) + 1): 1}), 0.0, counted=False)
