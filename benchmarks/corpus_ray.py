"""A corpus read by two workers on Ray, against one process with two threads: seconds a token once both are at work.

    python -m benchmarks.corpus_ray --corpus stories.jsonl

Time runs from the second shard that was finished to the last one, so that neither the start of Ray nor the loading of
models counts; the shards in between are the same.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from dataclasses import replace
from datetime import date
from pathlib import Path

from benchmarks.figures import paired, ratio, table
from mechamap.catalog.source import resolve
from mechamap.config.corpus_settings import CorpusSettings
from mechamap.config.schema import default_config
from mechamap.events import ScanEvent, ShardFinished
from mechamap.scan.corpus.corpus_scan import scan_corpus
from mechamap.scan.corpus.part import RayRequest
from mechamap.scan.prepare import ScanRequest

__all__ = ["seconds_a_token"]


def seconds_a_token(model: str, settings: CorpusSettings, workers: int | None) -> float:
    """Of a whole scan, by one process or by workers on Ray."""
    finished: list[tuple[float, int]] = []

    def hear(event: ScanEvent) -> None:
        if isinstance(event, ShardFinished):
            finished.append((time.perf_counter(), event.tokens))

    config = replace(default_config(), corpus=settings, second_text="never")
    with tempfile.TemporaryDirectory() as folder:
        cluster = None if workers is None else RayRequest("local", workers)
        scan_corpus(ScanRequest(resolve(model), config, Path(folder) / "run", ray=cluster), hear)
    (began, before), (ended, after) = finished[1], finished[-1]
    return (ended - began) / (after - before)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.corpus_ray", description=__doc__)
    parser.add_argument("--corpus", type=Path, required=True)
    parser.add_argument("--model", default="demo")
    parser.add_argument("--tokens", type=int, default=600_000)
    parser.add_argument("--shards", type=int, default=24)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    tokens, shards = arguments.tokens, arguments.shards
    settings = CorpusSettings((str(arguments.corpus),), max_tokens=tokens, shard_tokens=tokens // shards)
    pairs = paired(
        lambda: seconds_a_token(arguments.model, settings, 2),
        lambda: seconds_a_token(arguments.model, settings, None),
        arguments.rounds,
    )
    name = f"{arguments.model}: two workers on Ray over one process, {tokens:,} tokens in {shards} shards"
    figure = ratio(name, [(ours * 1e6, theirs * 1e6) for ours, theirs in pairs], 1.10, ("Ray", "alone"), "µs a token")
    print(f"{date.today()}\n\n{table('Workers on Ray', [figure])}")


if __name__ == "__main__":
    main()
