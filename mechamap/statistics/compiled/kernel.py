"""All statistics of some neurons from a batch in the CPU's memory, in one walk over its activations.

They are read once, in tiles of 192 rows and 32 neurons that stay in the first cache while everything is counted. Each
neuron's figures come from its own column alone, in the order of the rows, so that they do not depend on how neurons are
shared out to threads.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
from numba import njit
from numpy.typing import NDArray

from mechamap.statistics.bins import BASE_CODE, BINS, LARGEST_CODE, OCTAVES, ZERO_BIN
from mechamap.statistics.compiled.lists import add_contexts, add_draws, any_enters, prefix, write_limits
from mechamap.statistics.compiled.state import BatchRows, NeuronState, Scratch, Tile
from mechamap.statistics.compiled.vectors import (
    LANES,
    TOGETHER,
    add_counts,
    add_powers,
    count_bins,
    mark_beyond,
    octave_bounds,
    take_tile,
)
from mechamap.statistics.tiles import TILE

__all__ = ["add_neurons"]


BLOCKS = 4  # tiles side by side that are read together, so that memory is read in longer pieces


def _kernel(source: int) -> Callable[[BatchRows, NeuronState, int, int], None]:
    """The outermost function.

    Args:
        source: a checksum of what is compiled. numba keeps compiled code on disk by the function's own file and the
            values that it encloses, and would take no notice of changes in other files.
    """

    def add_columns(rows: BatchRows, state: NeuronState, start: int, stop: int) -> None:
        if source < 0:
            return
        scratch = new_scratch(rows)
        column = start
        while column < stop:
            blocks = min((stop - column) // LANES, BLOCKS)
            width = blocks * LANES if blocks else stop - column  # at the end, a block with columns of zeros
            add_blocks(rows, state, scratch, column, width)
            column += width

    return add_columns


def _new_scratch(rows: BatchRows) -> Scratch:
    return Scratch(
        np.zeros((BLOCKS, TILE, LANES), np.float32),
        np.zeros((BLOCKS, TILE, LANES), np.uint8),
        np.zeros((BLOCKS, 4, LANES), np.float64),
        np.zeros((BLOCKS, BINS, LANES), np.int32),
        np.zeros((BLOCKS, OCTAVES, LANES), np.uint32),
        np.zeros((BLOCKS, 2, LANES), np.float32),
        np.zeros((BLOCKS, 2, LANES), np.int64),
        np.zeros((BINS + TOGETHER, LANES), np.uint8),
        np.zeros((2, LANES), np.float32),
        np.zeros((2, LANES), np.float32),
        np.zeros(TILE, np.uint64),
        np.zeros((2, LANES), np.float32),
        np.zeros((2, LANES), np.int64),
        np.zeros(LANES, np.uint32),
        np.zeros(TILE * LANES, rows.values.dtype),
    )


def _add_blocks(rows: BatchRows, state: NeuronState, scratch: Scratch, column: int, width: int) -> None:
    """Add columns, at most four blocks; less than one if it is the last."""
    neuron = rows.first + column
    blocks = (width + LANES - 1) // LANES
    begin(state, scratch, neuron, width)
    for row in range(0, len(rows.keys), TILE):
        here = min(TILE, len(rows.keys) - row)
        start = row * rows.stride + column
        if width < LANES:
            for t in range(here):
                for lane in range(width):
                    scratch.padded[t * LANES + lane] = rows.values[start + t * rows.stride + lane]
            take_tile(scratch.padded, (0, LANES, here, 1), scratch.values, scratch.bins)
        else:
            take_tile(rows.values, (start, rows.stride, here, blocks), scratch.values, scratch.bins)
        for block in range(blocks):
            left = block * LANES
            add_tile(rows, state, scratch, Tile(row, here, block, neuron + left, min(width - left, LANES)))
    finish(state, scratch, neuron, width)


def _begin(state: NeuronState, scratch: Scratch, neuron: int, width: int) -> None:
    """Bring together what the tiles are compared to."""
    scratch.sums[:] = 0
    scratch.histogram[:] = 0
    scratch.last_values[:, 0] = np.inf  # what there is no neuron for never enters a list
    scratch.last_values[:, 1] = -np.inf
    for index in range(width):
        block, lane = index // LANES, index % LANES
        for side in range(2):
            at = side * len(state.histogram) + neuron + index
            last = state.context_values[at, state.context_keys.shape[1] - 1]
            scratch.last_values[block, side, lane] = last if side == 0 else -last
            scratch.last_keys[block, side, lane] = state.context_keys[at, state.context_keys.shape[1] - 1]
        for octave in range(OCTAVES):
            scratch.worst[block, octave, lane] = prefix(state.worst[(neuron + index) * OCTAVES + octave])


def _finish(state: NeuronState, scratch: Scratch, neuron: int, width: int) -> None:
    """Add what the tiles came to."""
    for index in range(width):
        block, lane = index // LANES, index % LANES
        for power in range(4):
            state.sums[power, neuron + index] += scratch.sums[block, power, lane]
        for column in range(BINS):
            state.histogram[neuron + index, column] += scratch.histogram[block, column, lane]


def _add_tile(rows: BatchRows, state: NeuronState, scratch: Scratch, tile: Tile) -> None:
    values, bins, worst = scratch.values[tile.block], scratch.bins[tile.block], scratch.worst[tile.block]
    add_powers(values, tile.rows, scratch.sums[tile.block], scratch.extremes)
    low, high = bins_between(scratch.extremes)
    first, stop = low // 2 * 2, high // 2 * 2 + 2  # whole octaves
    for column in range(first, stop, TOGETHER):
        count_bins(bins, tile.rows, column, scratch.counts)
    add_counts(scratch.counts, first, stop, scratch.histogram[tile.block])
    if any_enters(scratch.extremes, scratch.last_values[tile.block]):
        write_limits(scratch, tile.block, rows.least_keys[tile.row // TILE])
        mark_beyond(values, tile.rows, scratch.limits, scratch.marks)
        add_contexts(rows, state, scratch, tile)
    octave_bounds(scratch.counts, first // 2, stop // 2, worst, scratch.bounds)
    add_draws(rows, state, scratch, tile)


def _bins_between(extremes: NDArray[np.float32]) -> tuple[int, int]:
    """The lowest and the highest bin of a tile."""
    high = low = 0
    for lane in range(1, LANES):
        high = lane if extremes[0, lane] > extremes[0, high] else high
        low = lane if extremes[1, lane] < extremes[1, low] else low
    bits = extremes.view(np.int32)
    return bin_of(bits[1, low]), bin_of(bits[0, high])


def _bin_of(bits: int) -> int:
    """As :func:`mechamap.statistics.bins.bins_of`, of a float32's bits."""
    code = min(max(((bits & 0x7FFFFFFF) >> 22) - BASE_CODE, 0), LARGEST_CODE)
    return ZERO_BIN + 1 + code if bits > 0 else ZERO_BIN - code


def _checksum() -> int:
    """Of the files of this folder and of the one that it is in, from which numbers are taken."""
    total = 0
    for folder in (Path(__file__).parent, Path(__file__).parent.parent):
        for file in sorted(folder.glob("*.py")):
            total = crc32(file.read_bytes(), total)
    return total


def _kept_on_disk(function: Callable[..., Any]) -> Any:
    """Compiled code that later processes find again; in this process alone where there is no folder to write to."""
    try:
        return njit(nogil=True, error_model="numpy", cache=True)(function)
    except RuntimeError:
        return _compiled(function)


# In one piece: a call that is not inlined counts a reference to every array that it is given, which takes longer than
# most of these functions.
_compiled = njit(nogil=True, error_model="numpy", forceinline=True)

bin_of = _compiled(_bin_of)
bins_between = _compiled(_bins_between)
add_tile = _compiled(_add_tile)
begin = _compiled(_begin)
finish = _compiled(_finish)
new_scratch = _compiled(_new_scratch)
add_blocks = _compiled(_add_blocks)
add_neurons = _kept_on_disk(_kernel(_checksum()))
