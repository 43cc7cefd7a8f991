"""The statistics of neurons over a corpus, worked out in the plainest way, and corpora to work them out for."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from hypothesis import strategies as st
from numpy.typing import NDArray

from mechamap.statistics.neuron_statistics import LayerStatistics
from mechamap.statistics.places import Places, documents_of, hashes, place_keys

CONTEXTS = 3
# Few different values, so that there are ties, and what lies on edges of bins; zeros of both signs.
VALUES = (0.0, -0.0, 1.0, -1.0, 1.5, -1.5, 0.003, -0.003, 2.0**-8, -(2.0**-8), 1e-45, -1e-45, 7.0, -0.17, 300.0, -3e38)


@dataclass(frozen=True)
class SmallCorpus:
    """Activations ``[positions, neurons]`` and the keys of their positions."""

    values: NDArray[np.float32]
    keys: NDArray[np.int64]
    seed: int


@st.composite
def small_corpora(draw: st.DrawFn, most_positions: int = 60) -> SmallCorpus:
    """Documents of different lengths, met in any order, with activations that are often equal."""
    lengths = draw(st.lists(st.integers(1, 9), min_size=1, max_size=12))
    documents = np.repeat(np.arange(len(lengths)), lengths)[:most_positions]
    positions = np.concatenate([np.arange(length) for length in lengths])[:most_positions]
    keys = place_keys(documents.astype(np.int64), positions.astype(np.int64))
    chance = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    neurons = draw(st.integers(1, 5))
    values = chance.choice(np.array(VALUES, np.float32), size=(len(keys), neurons))
    spread = (chance.standard_normal(values.shape) * 4.0 ** chance.integers(-6, 5, values.shape)).astype(np.float32)
    values = np.where(chance.random(neurons) < draw(st.sampled_from([0.0, 0.5, 1.0])), spread, values)
    return SmallCorpus(values, chance.permutation(keys), draw(st.integers(0, 2**31)))


def parts_of(corpus: SmallCorpus, cuts: Sequence[int]) -> list[slice]:
    """The corpus cut before some of its positions."""
    ends = sorted({min(cut, len(corpus.keys)) for cut in cuts} | {0, len(corpus.keys)})
    return [slice(first, stop) for first, stop in itertools.pairwise(ends)]


def statistics_of(corpus: SmallCorpus, rows: slice, dtype: torch.dtype = torch.float32) -> LayerStatistics:
    statistics = LayerStatistics(corpus.values.shape[1], corpus.seed, CONTEXTS)
    statistics.add(torch.from_numpy(corpus.values[rows]).to(dtype), Places(corpus.keys[rows], corpus.seed))
    return statistics


def plain_statistics(corpus: SmallCorpus) -> dict[str, NDArray[Any]]:
    """Everything but the power sums, neuron by neuron."""
    by_neuron = [_of_neuron(values, corpus) for values in corpus.values.T]
    return {name: np.stack([arrays[name] for arrays in by_neuron]) for name in by_neuron[0]}


def plain_bin(value: float) -> int:
    """The column of a value, by comparing magnitudes."""
    edges = [mantissa * 2.0**exponent for exponent in range(-8, 8) for mantissa in (1.0, 1.5)][:31]
    code = sum(abs(value) >= edge for edge in edges)
    return 32 + code if value > 0 else 31 - code


def _of_neuron(values: NDArray[np.float32], corpus: SmallCorpus) -> dict[str, NDArray[Any]]:
    bins = [plain_bin(float(value)) for value in values]
    counts = Counter(bins)
    order = hashes(corpus.seed, corpus.keys)
    drawn_values, drawn_keys = np.full((32, 4), np.nan, np.float32), np.full((32, 4), -1, np.int64)
    for octave in range(32):
        rows = sorted((row for row in range(len(bins)) if bins[row] // 2 == octave), key=lambda row: order[row])[:4]
        drawn_values[octave, : len(rows)], drawn_keys[octave, : len(rows)] = values[rows], corpus.keys[rows]
    high, low = _best(values, corpus.keys), _best(-values, corpus.keys)
    return {
        "histogram": np.array([counts[column] for column in range(64)]),
        "drawn_values": drawn_values,
        "drawn_keys": drawn_keys,
        "highest_values": high[0],
        "highest_keys": high[1],
        "lowest_values": -low[0],
        "lowest_keys": low[1],
    }


def _best(values: NDArray[np.float32], keys: NDArray[np.int64]) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    best: dict[int, tuple[float, int]] = {}
    for value, key in zip(values.tolist(), keys.tolist(), strict=True):
        document = int(documents_of(np.array([key]))[0])
        best[document] = min(best.get(document, (np.inf, 0)), (-value, key))
    ranked = sorted(best.values())[:CONTEXTS]
    out_values, out_keys = np.full(CONTEXTS, np.nan, np.float32), np.full(CONTEXTS, -1, np.int64)
    out_values[: len(ranked)] = [-value for value, _ in ranked]
    out_keys[: len(ranked)] = [key for _, key in ranked]
    return out_values, out_keys
