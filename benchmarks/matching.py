"""Closest neurons of two models as large as SmolLM2-135M, against the bare product of their activations, in float32."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from benchmarks.figures import Figure, environment, paired, ratio, seconds
from mechamap.compare.closest.matching import closest_neurons
from mechamap.compare.closest.products import NumpyProducts
from mechamap.compare.closest.settings import MatchSettings
from mechamap.compare.closest.unit_rows import ArrayRows

__all__ = ["matching_figures"]

LAYERS, WIDTH = 30, 1536
NEURONS = LAYERS * WIDTH
WORDS, MORE_WORDS = 200, 1200
MOST, MOST_BYTES = 3.0, 2**30

_MEMORY = """
import sys
from pathlib import Path
from benchmarks.matching import models
from mechamap.compare.closest.matching import MatchSettings, closest_neurons

def taken(what):
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(what))
    return int(line.split()[1]) * 1024

a, b = models(int(sys.argv[1]))
before = taken("VmRSS")
closest_neurons(a, b, MatchSettings(both=True))
print(taken("VmHWM") - before)
"""


def matching_figures(rounds: int) -> list[Figure]:
    """How much longer than the product, with the baseline of one side and of both; and how much memory."""
    few, some = min(rounds, 3), MatchSettings()
    return [
        _time(WORDS, some, rounds, MOST),
        _time(WORDS, replace(some, both=True), few, None),
        _time(WORDS, MatchSettings("shuffle", both=True), few, None),
        _time(MORE_WORDS, some, few, MOST),
        _memory(WORDS),
        _memory(MORE_WORDS),
    ]


def models(words: int) -> tuple[ArrayRows, ArrayRows]:
    """Two models' activations over words."""
    rng = np.random.default_rng(0)
    layers = tuple(slice(first, first + WIDTH) for first in range(0, NEURONS, WIDTH))
    one, other = (ArrayRows(rng.standard_normal((NEURONS, words), np.float32), layers) for _ in range(2))
    return one, other


def _time(words: int, settings: MatchSettings, rounds: int, most: float | None) -> Figure:
    a, b = models(words)

    def matched() -> float:
        return seconds(lambda: closest_neurons(a, b, settings))

    def multiplied() -> float:
        return seconds(lambda: _product(a.values, b.values))

    multiplied()
    sides = "both sides" if settings.both else "one side"
    name = f"closest neurons, {NEURONS:,} x {NEURONS:,} over {words:,} words, {settings.baseline} of {sides} / product"
    figure = ratio(name, paired(matched, multiplied, rounds), most or MOST, ("matching", "product"))
    return figure if most else replace(figure, bound="-", kept=None)


def _product(a: NDArray[np.float32], b: NDArray[np.float32]) -> None:
    """Every block of a b', each written over the one before."""
    rows, columns = NumpyProducts(signed=False).block
    out = np.empty((rows, columns), np.float32)
    for row in range(0, len(a), rows):
        one = a[row : row + rows]
        for column in range(0, len(b), columns):
            other = b[column : column + columns]
            size = len(one) * len(other)
            np.matmul(one, other.T, out=out.reshape(-1)[:size].reshape(len(one), len(other)))


def _memory(words: int) -> Figure:
    answer = subprocess.run(
        [sys.executable, "-c", _MEMORY, str(words)], check=True, capture_output=True, text=True, env=environment()
    )
    bytes_ = int(answer.stdout)
    inputs = 2 * NEURONS * words * 4
    return Figure(
        f"memory above the two inputs, {words:,} words",
        f"{bytes_ / 2**20:.0f} MiB",
        f"<= {MOST_BYTES / 2**20:.0f} MiB",
        bytes_ <= MOST_BYTES,
        f"resident, at its peak, in a process of its own; the inputs are {inputs / 2**20:.0f} MiB; both baselines",
    )
