"""Which corpus a scan reads, how much of it, and what is kept of it."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["RANGES", "CorpusSettings"]


# Of settings that are numbers, the least and the most; None: any. Those that may be left out may be null.
RANGES: dict[str, tuple[int, int | None]] = {
    "max_tokens": (1, None),
    "seq_len": (8, None),
    "batch_tokens": (1, None),
    "contexts": (1, 1000),
    "occurrences": (2, 1_000_000),
    "sample": (2, 10_000_000),
    "shard_tokens": (1, None),
    "seed": (0, 2**63 - 1),
}


@dataclass(frozen=True, slots=True)
class CorpusSettings:
    """A corpus and what a scan keeps of it; the keys of ``corpus:`` in a config have the same names.

    Attributes:
        sources: files, folders of files, or ids of data sets on the hub (``hf:owner/name``), in the order given.
        field: which member of a record holds the text; ``text`` where not given, else the only one of strings.
        per_line: each line of a text file is a document, in place of the whole file.
        max_tokens: read documents until so many tokens are reached; all where not given.
        seq_len: most tokens of one sequence, special tokens included; a longer document is cut into several.
        batch_tokens: most tokens of one forward; what suits the device where not given.
        contexts: how many of each neuron's highest and lowest contexts are kept, each from another document.
        occurrences: most occurrences of each category whose activations are ranked; drawn where there are more.
        sample: how many of the other positions they are ranked against.
        shard_tokens: about how many tokens a shard has; about a minute of work where not given.
        seed: of the draws.
    """

    sources: tuple[str, ...]
    field: str | None = None
    per_line: bool = False
    max_tokens: int | None = None
    seq_len: int = 256
    batch_tokens: int | None = None
    contexts: int = 16
    occurrences: int = 512
    sample: int = 4096
    shard_tokens: int | None = None
    seed: int = 0
