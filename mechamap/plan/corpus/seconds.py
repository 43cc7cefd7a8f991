"""How long a scan over a corpus takes: the forward over all its tokens, and their statistics."""

from __future__ import annotations

import os

from mechamap.plan.corpus.compiled import statistics_seconds
from mechamap.plan.situation import PlanInputs
from mechamap.plan.time_need import DISK_BYTES, Speed, forward_seconds, scan_seconds
from mechamap.protocol.planned import PlannedSeconds

__all__ = ["corpus_seconds"]


PASSES = 60  # times that an activation is read or written by the statistics on a GPU; not measured
PUBLISHING = 1.05  # figures are brought up to date in a twentieth of the time
RANKED = 2  # times as long as without standard errors
PUBLICATIONS = 2  # besides: after the first shard, and at the end
COUNTED_BYTES = 2e8  # of a corpus whose documents are counted in a second
RAY_START = 15.0  # seconds until workers on Ray begin


def corpus_seconds(
    inputs: PlanInputs, speed: Speed, scored_a_second: float, run_bytes: int, *, started: bool = False
) -> PlannedSeconds | None:
    """The stages of a scan over a corpus; None where nobody knows how much there is to read.

    Args:
        speed: of the device that computes.
        scored_a_second: activations at drawn positions that are ranked in a second.
        run_bytes: what is written to the disk.
        started: whether the process that scans has torch and transformers already.
    """
    size, settings, config = inputs.corpus, inputs.config.corpus, inputs.config
    if size is None or size.here is None or settings is None:
        return None
    read = size.here
    once = scan_seconds(inputs, speed, scored_a_second, run_bytes, started=started)
    share = _share(inputs)
    values = sum(layer.values(config.limit_neurons) for layer in inputs.layers)  # of a position
    if inputs.places.device.type == "cpu":
        statistics = values * statistics_seconds(read.scored) / max(inputs.threads, 1)
    else:
        statistics = values * read.scored * PASSES * 4 / speed.bytes
    statistics *= share * PUBLISHING
    occurrences = read.occurrences or (settings.occurrences,) * len(config.categories)
    drawn = min(settings.sample, read.scored) + sum(min(settings.occurrences, count) for count in occurrences)
    forward = forward_seconds(inputs, speed, read.padded, round(read.batches), size.seq_len) * share
    # Where the corpus stops at a number of tokens, one process tokenizes all of them before the scan begins.
    tokenizing = size.token_seconds * read.tokens
    # Chunks are tokenized ahead on a thread of their own, which a GPU leaves a core for.
    if inputs.places.device.type == "cpu":
        added = tokenizing * share / max(inputs.threads, 1)
    else:
        added = max(tokenizing * share - forward - statistics, 0.0)
    stages = {
        "corpus": size.file_bytes / COUNTED_BYTES + (tokenizing if settings.max_tokens is not None else 0.0),
        "load": once.load + (RAY_START if inputs.ray is not None else 0.0),
        "check": once.check,
        "tokenize": added,
        "forward": forward,
        "statistics": statistics,
        "score": PUBLICATIONS * RANKED * inputs.neurons * drawn / scored_a_second,
        "writes": once.writes,
        "disk": run_bytes / DISK_BYTES,
    }
    return PlannedSeconds(**stages, total=sum(stages.values()))


def _share(inputs: PlanInputs) -> float:
    """The share of the work that takes the time: that of the busiest worker, where workers on one CPU share it."""
    if inputs.ray is None or inputs.corpus is None:
        return 1.0
    workers = inputs.local_workers or inputs.ray.workers or 1
    _, busiest = inputs.corpus.busiest(workers)
    if not inputs.local_workers or inputs.places.device.type != "cpu":
        return busiest
    cores = os.cpu_count() or 1
    threads = max(cores // workers, 1)  # of each worker
    slower = max(inputs.threads / threads, 1.0) * max(workers * threads / cores, 1.0)
    return busiest * slower
