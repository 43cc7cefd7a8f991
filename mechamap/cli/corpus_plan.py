"""The lines of a plan about a corpus."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from mechamap.wording.amounts import quantity, size
from mechamap.wording.plain import printable, shortened

if TYPE_CHECKING:
    from mechamap.protocol.planned import PlannedCorpus, PlannedRun, PlannedText

__all__ = ["corpus_rows", "disk_advice", "run_row"]


def corpus_rows(corpus: PlannedCorpus, text: PlannedText) -> Iterator[tuple[str, str]]:
    """What is read, how it is cut, and who reads it."""
    about = "" if text.counted else "about "
    names = printable(", ".join(shortened(name, 200) for name in corpus.sources))
    if corpus.tokens is None or corpus.documents is None or corpus.batches is None or text.windows is None:
        yield "corpus", f"{names}: its length is unknown until it has been read; --max-tokens N limits it"
    else:
        yield "corpus", f"{names}: {about}{corpus.tokens:,} tokens in {about}{quantity(corpus.documents, 'document')}"
        yield (
            "batches",
            f"{about}{quantity(text.windows, 'sequence')} of at most {corpus.seq_len:,} tokens in "
            f"{about}{corpus.batches:,} batches of at most {corpus.batch_tokens:,}",
        )
    if corpus.shards is not None:
        yield "shards", _shards(corpus, about)
    if corpus.worker_memory is not None:
        yield "worker", f"about {size(corpus.worker_memory)} each, where it computes{_share(corpus)}"


def _shards(corpus: PlannedCorpus, about: str) -> str:
    cut = f"the corpus has {quantity(corpus.shards or 0, 'shard')}"
    if corpus.part is None or corpus.tokens_whole is None:
        return cut
    return f"{corpus.shards_here:,} in part {corpus.part}; {cut} and {about}{corpus.tokens_whole:,} tokens"


def _share(corpus: PlannedCorpus) -> str:
    if corpus.workers is None or corpus.shards_of_worker is None:
        return ""
    return f"; {quantity(corpus.workers, 'worker')}, at most {quantity(corpus.shards_of_worker, 'shard')} each"


def run_row(run: PlannedRun) -> str:
    """What of a run over a corpus takes how much."""
    parts = (("figures", run.figures), ("tokens", run.tokens), ("gathered", run.gathered))
    amounts = ", ".join(f"{name} {size(amount)}" for name, amount in parts if amount)
    return f" ({amounts}), and at most {size(run.working)} more while it runs"


def disk_advice() -> str:
    """What makes a run over a corpus smaller."""
    return (
        "Name a folder on another disk with --out; or keep fewer contexts (--contexts), draw a smaller `sample` (under "
        "`corpus:` in a config), scan fewer layers, or read a part on each of several machines (--shard)."
    )
