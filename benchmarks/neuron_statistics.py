"""What the statistics of a corpus cost on the CPU, in nanoseconds of one core for each activation.

The CPU time of all threads is measured, which other processes disturb less than the time on the clock; the smallest of
many measurements is what the code takes, the median what the machine made of it.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np
import torch

from benchmarks.figures import Figure
from mechamap.statistics.neuron_statistics import LayerStatistics
from mechamap.statistics.places import Places, place_keys

__all__ = ["statistics_figures"]


POSITIONS, NEURONS, DOCUMENT = 4096, 640, 200  # of a batch, of a layer of the bundled model, tokens of a document
CATEGORIES, OCCURRENCES = 8, 100
EARLY = 25  # batches: a corpus of 100,000 tokens
MOST = 1.25  # nanoseconds: a twentieth of what the bundled model needs for each activation
BF16 = torch.bfloat16
REST = 0.005  # seconds: threads of torch's last operation wait for the next one with their core at work, then sleep

Seconds = tuple[float, float]  # of the CPU, on the clock


def statistics_figures(rounds: int) -> list[Figure]:
    """The figures of the statistics.

    Args:
        rounds: a tenth of how many batches are measured of each.
    """
    batches = rounds * 10
    whole = _measured(_layer(), EARLY + batches)
    closed = _measured(_closed(contexts=True, draws=True), batches)
    figures = [
        _figure("all statistics, after 100,000 tokens", whole[EARLY:], MOST),
        _figure("all statistics, in the first 100,000 tokens", whole[:EARLY], None, mean=True),
        _figure("of these moments and histogram", closed, None),
        _figure("and contexts", _measured(_closed(draws=True), EARLY + batches)[EARLY:], None),
        _figure("or draws", _measured(_closed(contexts=True), EARLY + batches)[EARLY:], None),
        _figure("all of bfloat16, after 100,000 tokens", _measured(_layer(), EARLY + batches, BF16)[EARLY:], MOST),
        _figure("sums by category, for each activation of an occurrence", _occurrences(batches), None),
    ]
    return figures


def _layer() -> LayerStatistics:
    return LayerStatistics(NEURONS, seed=0, categories=CATEGORIES)


def _closed(*, contexts: bool = False, draws: bool = False) -> LayerStatistics:
    """Statistics into whose lists nothing can enter, so that they cost nothing but the look at them."""
    layer = _layer()
    if contexts:
        layer.contexts.values.fill_(torch.inf)
    if draws:
        layer.draws.worst.fill_(torch.iinfo(torch.int64).min)
    return layer


def _measured(layer: LayerStatistics, batches: int, dtype: torch.dtype = torch.float32) -> list[Seconds]:
    """What each of so many batches takes, of activations as of GELU and documents that follow each other."""
    chance = torch.Generator().manual_seed(0)
    pool = [torch.nn.functional.gelu(torch.randn(POSITIONS, NEURONS, generator=chance)).to(dtype) for _ in range(4)]
    positions = np.arange(POSITIONS)
    LayerStatistics(1, seed=0).add(pool[0][:1, :1], Places(positions[:1], 0))  # compiled, or read from disk
    seconds = []
    for number in range(batches):
        shift = int(torch.randint(NEURONS, (), generator=chance))  # so that no neuron sees the same maximum twice
        values = pool[number % len(pool)].roll((shift * 7, shift), (0, 1))
        documents = positions // DOCUMENT + number * (POSITIONS // DOCUMENT + 1)
        places = Places(place_keys(documents, positions % DOCUMENT), 0)
        _ = places.hashes, places.tiles  # prepared once for all layers
        time.sleep(REST)
        started = time.process_time(), time.perf_counter()
        layer.add(values, places)
        seconds.append((time.process_time() - started[0], time.perf_counter() - started[1]))
    return seconds


def _occurrences(batches: int) -> list[Seconds]:
    """What so many batches of occurrences take, as if they had as many activations as the others."""
    layer, chance = _layer(), np.random.default_rng(0)
    values = torch.randn(OCCURRENCES, NEURONS)
    seconds = []
    for _ in range(batches):
        categories = chance.integers(0, CATEGORIES, OCCURRENCES)
        started = time.process_time(), time.perf_counter()
        layer.add_occurrences(categories, values)
        share = POSITIONS / OCCURRENCES
        seconds.append(((time.process_time() - started[0]) * share, (time.perf_counter() - started[1]) * share))
    return seconds


def _figure(name: str, seconds: Sequence[Seconds], most: float | None, *, mean: bool = False) -> Figure:
    cpu, clock = np.array(seconds).T * 1e9 / (POSITIONS * NEURONS)  # [batches] nanoseconds an activation
    threads = torch.get_num_threads()
    return Figure(
        name,
        f"{cpu.mean() if mean else cpu.min():.2f} ns",
        "-" if most is None else f"<= {most:g} ns",
        None if most is None else bool(cpu.min() <= most),
        f"of a core; least {cpu.min():.2f}, median {np.median(cpu):.2f}, mean {cpu.mean():.2f}; on the clock with "
        f"{threads} threads least {clock.min():.2f}, median {np.median(clock):.2f}; {len(cpu)} batches",
    )
