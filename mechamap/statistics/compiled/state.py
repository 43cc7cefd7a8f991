"""What the compiled code works on: a batch, the arrays of the statistics, and the memory of one thread."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["BatchRows", "NeuronState", "Scratch", "Tile"]


class BatchRows(NamedTuple):
    """A batch.

    Attributes:
        values: flat, float32 or the bits of bfloat16 as uint16.
        stride: from one row to the next.
        first: the neuron of the first column.
        keys: ``[rows]`` int64.
        order, prefixes, least_keys: of :class:`mechamap.statistics.tiles.TileOrder`.
        hash_start: what is added to keys before they are mixed, uint64.
    """

    values: NDArray[Any]
    stride: int
    first: int
    keys: NDArray[np.int64]
    order: NDArray[np.uint8]
    prefixes: NDArray[np.uint32]
    least_keys: NDArray[np.int64]
    hash_start: np.uint64


class NeuronState(NamedTuple):
    """The arrays of :class:`mechamap.statistics.neuron_statistics.LayerStatistics` that grow with every batch.

    Lists are rows, as a slice of an array would be counted as one more reference to it for each context.

    Attributes:
        sums: ``[4, neurons]``.
        histogram: ``[neurons, 64]``.
        context_values, context_keys: ``[2 * neurons, K]``, the highest ones of all neurons first.
        drawn_values, drawn_keys: ``[neurons * 32, 4]``.
        worst: ``[neurons * 32]``.
    """

    sums: NDArray[np.float64]
    histogram: NDArray[np.int64]
    context_values: NDArray[np.float32]
    context_keys: NDArray[np.int64]
    drawn_values: NDArray[np.float32]
    drawn_keys: NDArray[np.int64]
    worst: NDArray[np.int64]


class Scratch(NamedTuple):
    """Memory of one thread.

    Attributes:
        values, bins: ``[blocks, 192, 32]`` float32 and uint8, tiles side by side.
        sums: ``[blocks, 4, 32]`` float64, of powers.
        histogram: ``[blocks, 64, 32]`` int32.
        worst: ``[blocks, 32 octaves, 32]`` uint32, upper halves of the largest hashes that are drawn.
        last_values, last_keys: ``[blocks, 2, 32]`` float32 and int64, of the last of the highest contexts, and of the
            last of the lowest.
        counts: ``[bins, 32]`` uint8, of the tile in work, as are the following.
        extremes: ``[2, 32]`` float32, largest and smallest values.
        limits: ``[2, 32]`` float32, what values must be beyond to be contexts.
        marks: ``[192]`` uint64, a bit for each neuron that is above its limit, then one for each that is below.
        seen_values, seen_documents: ``[2, 32]`` float32 and int64, a context of the tile that was tried and
            its document, of which smaller ones need not be tried.
        bounds: ``[32]`` uint32, upper halves of the largest hashes that any octave with values draws.
        padded: ``[192 * 32]``, a block with columns of zeros, of the batch's type.
    """

    values: NDArray[np.float32]
    bins: NDArray[np.uint8]
    sums: NDArray[np.float64]
    histogram: NDArray[np.int32]
    worst: NDArray[np.uint32]
    last_values: NDArray[np.float32]
    last_keys: NDArray[np.int64]
    counts: NDArray[np.uint8]
    extremes: NDArray[np.float32]
    limits: NDArray[np.float32]
    marks: NDArray[np.uint64]
    seen_values: NDArray[np.float32]
    seen_documents: NDArray[np.int64]
    bounds: NDArray[np.uint32]
    padded: NDArray[Any]


class Tile(NamedTuple):
    """Where a tile is.

    Attributes:
        row: its first row of the batch.
        rows: how many it has.
        block: which of the thread's blocks holds it.
        neuron: of its first column.
        width: of how many of its columns there are neurons.
    """

    row: int
    rows: int
    block: int
    neuron: int
    width: int
