"""The figures of every neuron, worked out from what a corpus scan has gathered."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from mechamap.runs.corpus.record import CategoryCounts
from mechamap.scan.corpus.samples import Sample, sample_path
from mechamap.scan.corpus.state import CorpusState, LayerSpan
from mechamap.scores.layer import dead
from mechamap.scores.sampled import SampledCategory, SampledPositions, sampled_figures
from mechamap.statistics.neuron_statistics import LayerStatistics
from mechamap.statistics.ranges import context_ranges

__all__ = ["category_counts", "layer_figures"]


_BLOCK_BYTES = 32 * 2**20  # of activations at drawn positions, read at once


def layer_figures(
    state: CorpusState, number: int, samples: Path, kept: NDArray[np.int64], top_k: int
) -> dict[str, NDArray[Any]]:
    """Every figure of a layer but ``write``, a row for each neuron.

    Args:
        state: what was gathered.
        number: of the layer, among the state's.
        samples: the folder of the activations at drawn positions.
        kept: ``[tokens]``, the keys of the tokens that the run keeps, rising; contexts become positions among them.
        top_k: how many of the highest and lowest contexts are the neuron's top tokens.

    Raises:
        OSError: the activations cannot be read.
    """
    layer, span = state.layers[number], state.spans[number]
    arrays = layer.arrays()
    figures = _moments(layer, arrays) | _contexts(arrays, kept, top_k) | _ranges(arrays, kept, layer.seed)
    figures |= _means(arrays)
    figures |= _ranked(state, span, samples)
    figures["selectivity"] = 2 * figures["auroc"] - 1
    figures["dead"] = dead(figures)
    bad = layer.moments.not_finite
    for name, figure in figures.items():
        figure[bad] = -1 if name.endswith("positions") else np.nan if figure.dtype.kind == "f" else 0
    return figures


def category_counts(
    state: CorpusState, names: Sequence[str], occurrences: NDArray[np.int64]
) -> dict[str, CategoryCounts]:
    """The numbers that the rank statistics of each category rest on.

    Args:
        occurrences: ``[categories]`` in the corpus.
    """
    scored = state.tallies["scored"]
    return {
        name: CategoryCounts(
            occurrences=int(occurrences[number]),
            drawn=len(state.categories[number].keys),
            rest=scored - int(state.tallies.inside[number]),
            rest_drawn=int(np.count_nonzero(~state.rest.inside[:, number])),
        )
        for number, name in enumerate(names)
    }


def _moments(layer: LayerStatistics, arrays: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    moments = layer.moments
    count = arrays["count"]
    histogram = arrays["histogram"]
    with np.errstate(invalid="ignore", divide="ignore"):
        fire = histogram[:, histogram.shape[1] // 2 :].sum(axis=1) / count
    return {
        "mean_all": moments.mean().astype(np.float32),
        "std_all": moments.std().astype(np.float32),
        "skew": moments.skew().astype(np.float32),
        "kurtosis": moments.kurtosis().astype(np.float32),
        "fire": fire.astype(np.float32),
        "max": arrays["highest_values"][:, 0].copy(),
        "min": arrays["lowest_values"][:, 0].copy(),
        "histogram": histogram.copy(),
    }


def _contexts(arrays: Mapping[str, NDArray[Any]], kept: NDArray[np.int64], top_k: int) -> dict[str, NDArray[Any]]:
    figures: dict[str, NDArray[Any]] = {}
    for side, context in (("highest", "top"), ("lowest", "bottom")):
        values, positions = arrays[f"{side}_values"], positions_of_keys(arrays[f"{side}_keys"], kept)
        figures[f"{side}_values"], figures[f"{side}_positions"] = values.copy(), positions
        figures[f"{context}_values"] = _first(values, top_k, np.nan)
        figures[f"{context}_positions"] = _first(positions, top_k, -1)
    return figures


def _first(columns: NDArray[Any], count: int, filler: float) -> NDArray[Any]:
    """``[neurons, count]``, the first columns, filled up where there are fewer."""
    first = columns[:, :count]
    return np.pad(first, ((0, 0), (0, count - first.shape[1])), constant_values=filler)


def _ranges(arrays: Mapping[str, NDArray[Any]], kept: NDArray[np.int64], seed: int) -> dict[str, NDArray[Any]]:
    """Contexts drawn from five ranges, in the direction of the larger extreme."""
    highest, lowest = arrays["highest_values"][:, 0], arrays["lowest_values"][:, 0]
    signs = np.where(np.abs(np.nan_to_num(lowest)) > np.abs(np.nan_to_num(highest)), -1, 1)
    ranges = context_ranges(arrays["histogram"], arrays["drawn_values"], arrays["drawn_keys"], signs, seed)
    rows = len(signs)
    return {
        "range_values": ranges.values.reshape(rows, -1),
        "range_positions": positions_of_keys(ranges.keys.reshape(rows, -1), kept),
        "range_lower": ranges.lower.astype(np.float32),
        "range_upper": ranges.upper.astype(np.float32),
        "range_counts": ranges.counts.astype(np.float32),
    }


def positions_of_keys(keys: NDArray[np.int64], kept: NDArray[np.int64]) -> NDArray[np.int32]:
    """Where places of the corpus are among the tokens that are kept, of the same shape; -1 where they are not."""
    if not len(kept):
        return np.full(keys.shape, -1, np.int32)
    positions = np.searchsorted(kept, keys)
    there = kept[np.minimum(positions, len(kept) - 1)] == keys
    return np.where(there & (keys >= 0), positions, -1).astype(np.int32)


def _means(arrays: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """The mean over all occurrences, and its standard error, ``[neurons, categories]``."""
    count, sums, squares = arrays["category_count"], arrays["category_sums"], arrays["category_squares"]
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = sums / count
        variance = (squares - count * mean**2).clip(0) / (count - 1)
        error = np.sqrt(variance / count)
    return {
        "mean": np.where(count > 0, mean, np.nan).astype(np.float32),
        "mean_se": np.where(count > 1, error, np.nan).astype(np.float32),
    }


def _ranked(state: CorpusState, span: LayerSpan, samples: Path) -> dict[str, NDArray[np.float32]]:
    """The rank statistics and their standard errors, ``[neurons, categories]``, from the drawn positions."""
    drawn = [state.rest, *state.categories]
    ends = np.cumsum([0, *(len(sample.keys) for sample in drawn)])
    occurrences = [int(count) for count in state.layers[0].arrays()["category_count"]]
    scored = state.tallies["scored"]
    positions = SampledPositions(
        np.arange(ends[1]),
        tuple(
            SampledCategory(
                np.arange(ends[number + 1], ends[number + 2]),
                np.flatnonzero(state.rest.inside[:, number]),
                occurrences[number],
                scored - int(state.tallies.inside[number]),
            )
            for number in range(len(state.categories))
        ),
    )
    block = max(_BLOCK_BYTES // (4 * max(int(ends[-1]), 1)), 16)
    parts = []
    for first in range(0, span.width, block):
        width = min(block, span.width - first)
        values = np.concatenate([_read(samples, sample, state.neurons, span.first + first, width) for sample in drawn])
        parts.append(sampled_figures(values.T, positions, torch.get_num_threads()))
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _read(samples: Path, sample: Sample, neurons: int, first: int, width: int) -> NDArray[np.float32]:
    """Activations of some neurons at drawn positions, ``[drawn, width]``.

    Raises:
        OSError: a file is missing or too short.
    """
    values = np.empty((len(sample.keys), width), np.float32)
    for shard in np.unique(sample.shards).tolist():
        mine = np.flatnonzero(sample.shards == shard)
        path = sample_path(samples, shard)
        file = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
        try:
            for place, row in zip(mine.tolist(), sample.rows[mine].tolist(), strict=True):
                content = os.pread(file, 4 * width, 4 * (row * neurons + first))
                if len(content) != 4 * width:
                    raise OSError(None, "it is shorter than the ledger says", str(path))
                values[place] = np.frombuffer(content, np.float32)
        finally:
            os.close(file)
    return values
