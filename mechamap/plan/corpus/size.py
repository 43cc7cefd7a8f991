"""How much of a corpus a scan reads, shard by shard, from its inventory and a few documents that are tokenized."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, pairwise
from typing import Any

from mechamap.capture.batches import batch_tokens
from mechamap.config.corpus_settings import CorpusSettings
from mechamap.config.scan_config import ScanConfig
from mechamap.corpus.corpus import Corpus
from mechamap.corpus.documents import DocumentRange
from mechamap.plan.corpus.amount import Amount, total
from mechamap.plan.corpus.extent import Extent, extent_of
from mechamap.plan.corpus.sample import CHARACTERS_A_TOKEN, Rates, guessed, sampled
from mechamap.scan.corpus.part import Part
from mechamap.scan.corpus.shard_pass import BATCHES_OF_CHUNK
from mechamap.scan.corpus.shards import shard_ranges, stop_of_tokens, tokens_of_shard
from mechamap.text.chunk import ChunkReader

__all__ = ["CorpusSize", "ModelReading", "corpus_size"]


COUNTED = 400_000  # characters that are tokenized whole, so that all is counted


@dataclass(frozen=True, slots=True)
class ModelReading:
    """What a corpus is read with.

    Attributes:
        tokenizer: the model's; None where it is not here.
        context: the most tokens that the model reads, None where it has no limit.
        kind: of the model.
        device: the type of the device that computes.
        parameters: of the whole model.
    """

    tokenizer: Any
    context: int | None
    kind: str
    device: str
    parameters: int


@dataclass(frozen=True, slots=True)
class CorpusSize:
    """A corpus as a scan reads it; None for what is known only once a data set has been read.

    Attributes:
        names: its sources.
        files: the names of its files.
        whole: of all shards.
        here: of those that are asked for.
        shards: how many there are; ``shards_here`` those that are asked for.
        largest: tokens of the largest shard.
        loads: tokens of each shard that is asked for.
        seq_len: the most tokens of a sequence.
        batch: the most tokens of a batch.
        counted: whether tokens are counted, rather than estimated from a part of the documents.
        tokenized: whether any documents were tokenized.
        token_seconds: that reading a token, tokenizing it and looking for words takes.
        file_bytes: of its files on disk, which are read whole before the model is loaded.
    """

    names: tuple[str, ...]
    files: tuple[str, ...]
    whole: Amount | None
    here: Amount | None
    shards: int | None
    shards_here: int | None
    largest: float
    loads: tuple[float, ...]
    seq_len: int
    batch: int
    counted: bool
    tokenized: bool
    token_seconds: float
    file_bytes: int

    def busiest(self, workers: int) -> tuple[int, float]:
        """How many shards, and what share of the tokens, the busiest of some workers reads; each takes the next."""
        lines = [(0.0, 0)] * max(workers, 1)  # tokens, shards
        heapq.heapify(lines)
        for tokens in self.loads:
            done, count = heapq.heappop(lines)
            heapq.heappush(lines, (done + tokens, count + 1))
        done, count = max(lines)
        return count, done / max(sum(self.loads), 1)


def corpus_size(
    config: ScanConfig, reading: ModelReading, part: Part | None, stage: Callable[[str], None] = lambda text: None
) -> CorpusSize:
    """Measure the corpus of a config.

    Args:
        part: which of its shards are asked for; None: all.
        stage: called with a few words on what is being done.

    Raises:
        CorpusError, MissingExtra: as those of :func:`~mechamap.corpus.opening.open_corpus`.
    """
    settings = config.corpus
    assert settings is not None
    extent = extent_of(settings, stage)
    batch = settings.batch_tokens or batch_tokens(reading.device)
    seq_len = settings.seq_len if reading.context is None else min(settings.seq_len, reading.context)
    stage("tokenizing a few documents")
    reader = ChunkReader(reading.tokenizer, config, reading.context, reading.kind)
    if reading.tokenizer is None or not extent.sampled:
        rates = guessed(extent.inventory, seq_len)
    else:
        rates = sampled(extent.sampled, reader, batch)
    corpus = extent.corpus if rates.counted and _is_short(extent, settings) else None
    stop = _stop(extent, settings.max_tokens, rates) if corpus is None else _counted_stop(corpus, settings, reader)
    ranges = shard_ranges(extent.inventory, tokens_of_shard(settings, reading.device, reading.parameters), stop)
    if corpus is None:
        amounts = _estimated(ranges, extent, rates, batch, settings.max_tokens)
    else:
        amounts = [
            total(
                Amount.of(chunk, batch, len(config.categories))[0]
                for chunk in reader.chunks(corpus.read(each.first, each.stop), batch * BATCHES_OF_CHUNK)
            )
            for each in ranges
        ]
    mine = [amount for number, amount in enumerate(amounts) if part is None or part.has(number)]
    known = stop is not None or not extent.is_open
    return CorpusSize(
        names=settings.sources,
        files=tuple(record.name for record in extent.inventory.files),
        whole=total(amounts) if known else None,
        here=total(mine) if known else None,
        shards=len(ranges) if known else None,
        shards_here=len(mine) if known else None,
        largest=max((amount.tokens for amount in amounts), default=0),
        loads=tuple(amount.tokens for amount in mine) if known else (),
        seq_len=seq_len,
        batch=batch,
        counted=corpus is not None,
        tokenized=rates.counted,
        token_seconds=rates.seconds,
        file_bytes=extent.bytes,
    )


def _is_short(extent: Extent, settings: CorpusSettings) -> bool:
    """Whether what is read of a corpus is little enough to be tokenized whole."""
    most = float("inf") if settings.max_tokens is None else settings.max_tokens * CHARACTERS_A_TOKEN
    if extent.is_open:
        return most <= COUNTED
    return min(most, extent.inventory.characters) <= COUNTED


def _counted_stop(corpus: Corpus, settings: CorpusSettings, reader: ChunkReader) -> int | None:
    """The first document that is not read any more, as a scan finds it; None: all are."""
    if settings.max_tokens is None:
        return None

    def count(texts: Sequence[str]) -> int:
        encoded = reader.tokenizer(list(texts), add_special_tokens=False, truncation=False, verbose=False)
        return sum(map(len, encoded["input_ids"]))

    return stop_of_tokens(corpus.read(), count, settings.max_tokens)


def _stop(extent: Extent, most: int | None, rates: Rates) -> int | None:
    """About the first document that is not read any more; None: all are."""
    if most is None:
        return None
    inventory = extent.inventory
    characters = most / max(rates.of_character.tokens, 1e-9)
    places = [(0, 0.0)]  # documents and characters in front of them
    before = list(accumulate((record.characters for record in inventory.files), initial=0))
    for record, first, sum_before in zip(inventory.files, inventory.starts, before, strict=False):
        marks = record.marks
        places += [(first + d, float(sum_before + c)) for d, c in zip(marks.documents, marks.characters, strict=True)]
    places.append((inventory.documents, float(inventory.characters)))
    if characters >= places[-1][1]:
        rest = (characters - places[-1][1]) * rates.of_character.documents  # of the data set behind the files
        return None if not extent.is_open else places[-1][0] + max(round(rest), 1)
    for (low, from_here), (high, to_here) in pairwise(places):
        if to_here > characters:
            return min(low + int((high - low) * (characters - from_here) / (to_here - from_here)) + 1, high)
    return None


def _estimated(
    ranges: Sequence[DocumentRange], extent: Extent, rates: Rates, batch: int, most: int | None
) -> list[Amount]:
    """The amounts of each shard, by its characters; by its documents where nobody has counted these."""
    chunk = batch * BATCHES_OF_CHUNK
    with_text = 1 - extent.inventory.blank / max(extent.inventory.documents, 1)
    a_document = 1 / max(rates.of_character.documents, 1e-9)  # characters
    amounts: list[Amount] = []
    left = float("inf") if most is None else float(most)  # tokens
    for each in ranges:
        documents = each.stop - each.first
        characters = float(each.characters) if each.characters is not None else documents * a_document
        amount = rates.amount(min(characters, left / max(rates.of_character.tokens, 1e-9)), batch, chunk)
        left = max(left - amount.tokens, 0.0)
        exact = documents * with_text if each.characters is not None else amount.documents
        amounts.append(replace(amount, documents=exact))
    return amounts
