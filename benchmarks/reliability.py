"""How many of the first neurons come again on another text of the same kind, by the length of the text.

Texts come from the generator of the bundled model's training text: two that share no document, each in several lengths,
in multiples of the default text's. Each is scanned, and the first neurons of each category in one are looked for among
the first of the other.
"""

from __future__ import annotations

import importlib
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks.figures import Figure
from mechamap.catalog.source import resolve
from mechamap.config.schema import default_config, with_overrides
from mechamap.models.loaded import LoadedModel
from mechamap.runs.run import Run
from mechamap.scan.prepare import ScanRequest
from mechamap.scan.scan import scan

__all__ = ["reliability_figures"]

FIRST = 20
TIMES = (1, 2, 4, 8)
DOCUMENTS = 4000  # more than the longest text takes


def reliability_figures(loaded: LoadedModel) -> list[Figure]:
    """Split-half reliability of the first 20 by `ap` and by |`reads`|, means over the default categories."""
    tokens = sum(len(loaded.tokenizer(text)["input_ids"]) for text in default_config().texts)
    figures = []
    with tempfile.TemporaryDirectory() as folder:
        for times in TIMES:
            halves = [_scanned(loaded, times * tokens, seed, Path(folder) / f"{times}-{seed}") for seed in (101, 102)]
            by_ap, by_reads = (_again(halves, name) for name in ("ap", "selectivity"))
            words = [int(np.mean([about.occurrences for about in run.record.coverage.values()])) for run in halves]
            figures.append(
                Figure(
                    f"of the first {FIRST} by ap, in another text of {times} x the default length",
                    f"{by_ap:.1f}",
                    "-",
                    None,
                    f"by reads {by_reads:.1f}; {times * tokens:,} tokens, {words[0]} and {words[1]} words each",
                )
            )
    return figures


def _scanned(loaded: LoadedModel, tokens: int, seed: int, folder: Path) -> Run:
    texts, length = [], 0
    for text in _documents(seed):
        texts.append(text)
        length += len(loaded.tokenizer(text)["input_ids"])
        if length >= tokens:
            break
    config = with_overrides(default_config(), texts=texts, keep_activations="never", second_text="never")
    return scan(ScanRequest(resolve(loaded.id), config, folder), loaded=loaded)


def _documents(seed: int) -> Iterator[str]:
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "scripts"))
    try:
        generate = importlib.import_module("demo_corpus.generate")
    finally:
        sys.path.pop(0)
    return iter(generate.documents(DOCUMENTS, seed))


def _again(halves: list[Run], name: str) -> float:
    """How many of one half's first neurons are among the other's, mean over categories."""
    shared = []
    for category in halves[0].categories:
        one, other = (
            set(np.argsort(-np.nan_to_num(np.abs(run.column(name, category)), nan=-1), kind="stable")[:FIRST].tolist())
            for run in halves
        )
        shared.append(len(one & other))
    return float(np.mean(shared))
