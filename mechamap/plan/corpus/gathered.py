"""Bytes of what a scan over a corpus has gathered: statistics, activations at drawn positions, tokens around contexts.

Statistics are in memory, and on disk after each shard; activations and tokens are on disk alone until the run is
written. A worker passes what it has read of a shard on in the same files.
"""

from __future__ import annotations

import math

from mechamap.plan.corpus.amount import Amount
from mechamap.plan.corpus.figures import kept_tokens
from mechamap.plan.situation import PlanInputs
from mechamap.scan.corpus.shard_pass import BATCHES_OF_CHUNK
from mechamap.statistics.neuron_statistics import bytes_per_neuron

__all__ = ["DOCUMENT_BYTES", "sample_bytes", "shard_bytes", "statistics_bytes", "text_bytes"]


TOKEN_BYTES = 17  # of a token beside its text: its place in the corpus, its id and the length of its text
DOCUMENT_BYTES = 8
SPREAD = 1.03  # chance makes one shard draw more than its share
CHUNK_BYTES = 2_000  # of a file of tokens beside them


def statistics_bytes(inputs: PlanInputs) -> int:
    """Of the statistics of all neurons."""
    settings = inputs.config.corpus
    assert settings is not None
    return inputs.neurons * bytes_per_neuron(settings.contexts, len(inputs.config.categories))


def sample_bytes(inputs: PlanInputs) -> int:
    """Of the activations at drawn positions: those of a shard stay as long as any of them is drawn.

    Of the positions that are drawn in all, the n-th shard of equal size draws an n-th, and later ones replace some.
    """
    size = inputs.corpus
    shards = (size.shards_here if size is not None else None) or 1
    growth = 1.0 if shards == 1 else (math.log(shards) + 0.5772 + 0.5 / shards) * SPREAD
    return _drawn_bytes(inputs, size.here if size is not None else None, growth)


def text_bytes(inputs: PlanInputs) -> int:
    """Of tokens: those of the shard that is read, and those around contexts of the others."""
    size, settings = inputs.corpus, inputs.config.corpus
    assert settings is not None
    if size is None or size.here is None:
        return 0
    read = size.here
    tokens = min(read.tokens, kept_tokens(inputs.neurons, settings, read) + size.largest)
    return _token_bytes(read, tokens, math.ceil(read.batches / BATCHES_OF_CHUNK) + (size.shards_here or 1))


def shard_bytes(inputs: PlanInputs) -> int:
    """Of all that was gathered of the largest shard alone."""
    size = inputs.corpus
    if size is None or size.here is None or not size.here.tokens:
        return statistics_bytes(inputs) + _drawn_bytes(inputs, None, 1.0)
    shard = size.here.scaled(size.largest / size.here.tokens)
    chunks = math.ceil(shard.batches / BATCHES_OF_CHUNK)
    return statistics_bytes(inputs) + _drawn_bytes(inputs, shard, 1.0) + _token_bytes(shard, shard.tokens, chunks)


def _drawn_bytes(inputs: PlanInputs, read: Amount | None, growth: float) -> int:
    """Activations at ``growth`` times as many positions as are drawn in all, of all that was read at most."""
    settings = inputs.config.corpus
    assert settings is not None
    most = float("inf") if read is None else read.scored
    occurrences = read.occurrences if read is not None else None
    rows = min(settings.sample * growth, most)
    for number in range(len(inputs.config.categories)):
        rows += min(settings.occurrences * growth, most if occurrences is None else occurrences[number])
    return round(4 * inputs.neurons * rows)


def _token_bytes(read: Amount, tokens: float, chunks: int) -> int:
    """So many tokens of those that are read, in files of ``chunks`` chunks."""
    if not read.tokens:
        return 0
    text = read.text_bytes / read.tokens
    names = read.name_bytes + read.documents * DOCUMENT_BYTES
    return round(tokens * (TOKEN_BYTES + text) + names * tokens / read.tokens) + chunks * CHUNK_BYTES
