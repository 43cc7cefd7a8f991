"""Frequency tables of 2.3 million neurons, beside a sort of one of their columns.

``python -m benchmarks.counts [--neurons N] [--folder DIR]`` writes a run of random figures, some 0.7 GB, and counts its
neurons by columns and pairs, each in turn with a stable argsort of the average precision of one category.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import threading
import time
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.figures import Figure, ratio, seconds, table
from benchmarks.opening_large import large_text_run
from mechamap.counts.frequency import count_neurons
from mechamap.runs.run import Run

__all__ = ["count_figures"]


_NEURONS = 2_300_000
_BY = ("layer", "best", "layer, best", "selectivity.food", "ap.food, layer", "max", "first_token", "first_token, best")
_MOST = 0.5  # seconds
_TICK = 0.005


def count_figures(run: Run, rounds: int) -> list[Figure]:
    """How long each table takes, and how long the screen's thread waits while it is made in another."""
    figures = []
    for by in _BY:
        count = partial(count_neurons, run, by)
        count()  # fills the disk cache
        pairs = [(seconds(count), seconds(partial(_sort, run))) for _ in range(rounds)]
        relative = ratio(f"{run.neurons:,} neurons by {by}", pairs, 1, ("table", "argsort"))
        middle = statistics.median(ours for ours, _ in pairs)
        detail = f"{relative.value} a stable argsort of one figure; {relative.detail}"
        figures.append(Figure(relative.name, f"{middle:.2f} s", f"<= {_MOST:g} s", middle <= _MOST, detail))
    waits = [_longest_wait(run, by) for by in _BY]
    longest = max(waits)
    name = "the screen's thread, while these are made beside it: its longest wait"
    figures.append(
        Figure(name, f"{1000 * longest:.0f} ms", "<= 100 ms", longest <= 0.1, f"by {_BY[waits.index(longest)]}")
    )
    return figures


def _sort(run: Run) -> None:
    np.argsort(np.ascontiguousarray(run.column("ap", "food")), kind="stable")


def _longest_wait(run: Run, by: str) -> float:
    """How much longer than asked for this thread slept at most, in seconds, while another one counted."""
    work = threading.Thread(target=count_neurons, args=(run, by))
    work.start()
    longest = 0.0
    while work.is_alive():
        started = time.perf_counter()
        time.sleep(_TICK)
        longest = max(longest, time.perf_counter() - started - _TICK)
    return longest


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.counts", description=__doc__)
    parser.add_argument("--neurons", type=int, default=_NEURONS)
    parser.add_argument("--folder", type=Path, help="where the run is written, or was; else one that is removed")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = (options.folder or Path(temporary)) / "counted"
        if not folder.exists():
            large_text_run(folder, options.neurons)
        print(table("Frequency tables", count_figures(Run.open(folder), options.rounds)))


if __name__ == "__main__":
    main()
