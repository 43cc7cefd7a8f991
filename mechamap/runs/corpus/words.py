"""A run's corpus in words, for people."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from mechamap.wording.amounts import coarse_count, quantity

if TYPE_CHECKING:
    from mechamap.runs.corpus.record import CorpusRecord

__all__ = ["corpus_facts", "corpus_in_short", "corpus_progress", "corpus_so_far", "shards_text"]


_NAMED = 4  # files


def corpus_progress(corpus: CorpusRecord) -> str:
    """``3 of 17 shards, 1.2M tokens``."""
    return f"{shards_text(corpus)}, {coarse_count(corpus.tokens)} tokens"


def shards_text(corpus: CorpusRecord) -> str:
    """``3 of 17 shards``."""
    return f"{corpus.merged:,} of {corpus.shards:,} shards" if corpus.shards else quantity(corpus.merged, "shard")


def corpus_so_far(corpus: CorpusRecord) -> str:
    """``over 120,000 tokens so far``: what the figures of an unfinished run rest on."""
    return f"over {quantity(corpus.tokens, 'token')} so far"


def corpus_in_short(corpus: CorpusRecord) -> str:
    """``1,204,331 tokens of 5,120 documents``."""
    return f"{quantity(corpus.tokens, 'token')} of {quantity(corpus.documents, 'document')}"


def corpus_facts(corpus: CorpusRecord, seq_len: int | None = None) -> Iterator[tuple[str, str]]:
    """What a corpus consists of, how much of it was read, and what the figures rest on: (name, fact)."""
    named = [_file(file.name, file.documents) for file in corpus.files[:_NAMED]]
    more = len(corpus.files) - len(named)
    if named:
        yield "corpus", ", ".join(named) + (f" and {more:,} more" if more else "")
    length = f" of at most {seq_len:,} tokens" if seq_len else ""
    yield "read", f"{corpus_in_short(corpus)}, in {quantity(corpus.windows, 'window')}{length}"
    part = f"; of the part {corpus.part}" if corpus.part else ""
    yield "shards", (f"{corpus.merged:,} of {corpus.shards:,}" if corpus.shards else f"{corpus.merged:,}") + part
    for name, counts in corpus.categories.items():
        yield (
            f"ranks {name}",
            f"{counts.drawn:,} of {counts.occurrences:,} occurrences drawn, against {counts.rest_drawn:,} of "
            f"{counts.rest:,} other positions",
        )
    kept = "whole windows" if corpus.whole_windows else "parts of windows"
    yield "kept", f"{quantity(corpus.kept_tokens, 'token')} around the contexts, {kept}"
    yield "stream", corpus.stream or "unknown"


def _file(name: str, documents: int) -> str:
    return name if documents < 0 else f"{name} ({quantity(documents, 'document')})"
