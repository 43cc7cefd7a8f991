"""The five ranges of a neuron's activations that are shown, with contexts drawn from each.

The highest contexts alone do not show what a neuron does: most of its activations are smaller ones.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mechamap.runs.figure_names import RANGES
from mechamap.statistics.bins import EDGES, OCTAVES
from mechamap.statistics.places import NONE, hashes

__all__ = ["RANGES", "ContextRanges", "context_ranges"]


_NO_HASH = np.uint64(2**64 - 1)


@dataclass(frozen=True, slots=True, eq=False)
class ContextRanges:
    """Ranges of activations, from the most extreme one towards the other end, and contexts drawn from each.

    Attributes:
        lower, upper: ``[neurons, 5]`` float64, ends of the ranges, infinite at the outermost; NaN where there are fewer
            ranges.
        counts: ``[neurons, 5]`` int64, how many activations lie in each.
        values: ``[neurons, 5, 4]`` float32, of the contexts with the smallest hashes, smallest first; NaN for none.
        keys: ``[neurons, 5, 4]`` int64, their places; -1 for none.
    """

    lower: NDArray[np.float64]
    upper: NDArray[np.float64]
    counts: NDArray[np.int64]
    values: NDArray[np.float32]
    keys: NDArray[np.int64]


def context_ranges(
    histogram: NDArray[np.int64],
    drawn_values: NDArray[np.float32],
    drawn_keys: NDArray[np.int64],
    signs: NDArray[np.integer],
    seed: int,
) -> ContextRanges:
    """The ranges of each neuron in a direction.

    Octaves are gone through from the end that the sign points to, those without contexts passed over: the first four
    are a range each, the fifth is all that is left, on the other side of zero too.

    Args:
        histogram: ``[neurons, 64]``.
        drawn_values, drawn_keys: ``[neurons, 32, 4]``, of each octave.
        signs: ``[neurons]``, below zero where the lowest activations come first.
        seed: of the draws.
    """
    upwards = np.arange(OCTAVES)
    octaves = np.where(np.asarray(signs)[:, None] < 0, upwards, upwards[::-1])  # [neurons, 32] most extreme first
    occupied = np.take_along_axis(drawn_keys[:, :, 0] != NONE, octaves, axis=1)
    of_range = np.minimum(np.cumsum(occupied, axis=1) - 1, RANGES - 1)  # [neurons, 32]
    of_range = np.where(occupied, of_range, RANGES)  # none
    in_octaves = np.take_along_axis(histogram.reshape(len(histogram), OCTAVES, 2).sum(axis=2), octaves, axis=1)
    keys = np.take_along_axis(drawn_keys, octaves[:, :, None], axis=1)  # [neurons, 32, 4]
    values = np.take_along_axis(drawn_values, octaves[:, :, None], axis=1)
    order = np.where(keys == NONE, _NO_HASH, hashes(seed, keys))
    shape = len(histogram), RANGES
    ranges = ContextRanges(
        np.full(shape, np.nan),
        np.full(shape, np.nan),
        np.zeros(shape, np.int64),
        np.full((*shape, keys.shape[2]), np.nan, np.float32),
        np.full((*shape, keys.shape[2]), NONE, np.int64),
    )
    for number in range(RANGES):
        inside = of_range == number  # [neurons, 32]
        some = inside.any(axis=1)
        lowest = np.where(inside, octaves, OCTAVES).min(axis=1)[some]
        highest = np.where(inside, octaves, -1).max(axis=1)[some]
        ranges.lower[some, number], ranges.upper[some, number] = EDGES[2 * lowest], EDGES[2 * highest + 2]
        ranges.counts[:, number] = np.where(inside, in_octaves, 0).sum(axis=1)
        first = np.where(inside[:, :, None], order, _NO_HASH).reshape(len(order), -1).argsort(axis=1, kind="stable")
        first = first[:, : keys.shape[2]]
        kept = np.take_along_axis(np.where(inside[:, :, None], keys, NONE).reshape(len(keys), -1), first, axis=1)
        ranges.keys[:, number] = kept
        ranges.values[:, number] = np.where(
            kept == NONE, np.float32(np.nan), np.take_along_axis(values.reshape(len(values), -1), first, axis=1)
        )
    return ranges
