"""Contexts and draws that enter a neuron's lists; compiled into the kernel.

Both are rare. A tile is searched for contexts only where its extreme beats the list, and only at the values that are
beyond it. For draws its positions are visited in rising order of hash, up to the largest hash that any octave with
values in the tile still takes.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from mechamap.statistics.bins import OCTAVES
from mechamap.statistics.compiled.state import BatchRows, NeuronState, Scratch, Tile
from mechamap.statistics.compiled.vectors import LANES
from mechamap.statistics.draws import DRAWN
from mechamap.statistics.places import FIRST_FACTOR, NONE, SECOND_FACTOR

__all__ = ["add_contexts", "add_draws", "any_enters", "prefix", "write_limits"]


_SIGN = np.uint64(1 << 63)
_FIRST_FACTOR, _SECOND_FACTOR = np.uint64(FIRST_FACTOR), np.uint64(SECOND_FACTOR)
_S27, _S30, _S31, _S32 = (np.uint64(shift) for shift in (27, 30, 31, 32))
_ONE = np.uint64(1)


def _any_enters(extremes: NDArray[np.float32], last: NDArray[np.float32]) -> bool:
    """Whether a tile may have a context for some list."""
    some = False
    for lane in range(LANES):
        some |= extremes[0, lane] >= last[0, lane]
        some |= extremes[1, lane] <= last[1, lane]
    return some


def _write_limits(scratch: Scratch, block: int, least: np.int64) -> None:
    """Write what values of a tile must be beyond to enter the lists, infinite where none does.

    Args:
        least: the smallest key of the tile; of equal values only a smaller key enters.
    """
    for side in range(2):
        outwards = np.float32(np.inf) if side == 0 else np.float32(-np.inf)
        for lane in range(LANES):
            extreme, last = scratch.extremes[side, lane], scratch.last_values[block, side, lane]
            ties = least < scratch.last_keys[block, side, lane]
            beyond = extreme > last if side == 0 else extreme < last
            if ties and (beyond or extreme == last):
                scratch.limits[side, lane] = np.nextafter(last, -outwards)
            else:
                scratch.limits[side, lane] = last if beyond else outwards


def _add_contexts(rows: BatchRows, state: NeuronState, scratch: Scratch, tile: Tile) -> None:
    """Put the contexts of a tile that are marked into the neurons' lists, where they still belong there."""
    last = state.context_keys.shape[1] - 1
    scratch.seen_documents[:] = NONE
    for t in range(tile.rows):
        mark = scratch.marks[t]
        number = 0
        while mark:
            if mark & _ONE:
                side, lane = number // LANES, number % LANES
                value = scratch.values[tile.block, t, lane]
                value = value if side == 0 else -value
                key = rows.keys[tile.row + t]
                if value < scratch.seen_values[side, lane] and scratch.seen_documents[side, lane] == key >> 32:
                    mark >>= _ONE
                    number += 1
                    continue
                scratch.seen_values[side, lane], scratch.seen_documents[side, lane] = value, key >> 32
                at = side * len(state.histogram) + tile.neuron + lane
                lowest = state.context_values[at, last]
                if value > lowest or (value == lowest and key < state.context_keys[at, last]):
                    insert_context(state, at, value, key)
                    lowest = state.context_values[at, last]
                    scratch.last_values[tile.block, side, lane] = lowest if side == 0 else -lowest
                    scratch.last_keys[tile.block, side, lane] = state.context_keys[at, last]
            mark >>= _ONE
            number += 1


def _insert_context(state: NeuronState, at: int, value: np.float32, key: np.int64) -> None:
    """Put a context that beats the last one into a list, in place of the last or of another one of its document."""
    values, keys = state.context_values, state.context_keys
    place = keys.shape[1] - 1
    for index in range(keys.shape[1]):
        if keys[at, index] >> 32 == key >> 32:  # that of no place is the document -1
            if values[at, index] > value or (values[at, index] == value and keys[at, index] < key):
                return
            place = index
            break
    while place > 0 and (
        values[at, place - 1] < value or (values[at, place - 1] == value and keys[at, place - 1] > key)
    ):
        values[at, place], keys[at, place] = values[at, place - 1], keys[at, place - 1]
        place -= 1
    values[at, place], keys[at, place] = value, key


def _add_draws(rows: BatchRows, state: NeuronState, scratch: Scratch, tile: Tile) -> None:
    """Draw from the values of a tile."""
    for lane in range(tile.width):
        bound = scratch.bounds[lane]
        for index in range(tile.row, tile.row + tile.rows):
            hashed = rows.prefixes[index]
            if hashed > bound:
                break
            t = np.int64(rows.order[index])
            octave = np.int64(scratch.bins[tile.block, t, lane] >> 1)
            if hashed <= scratch.worst[tile.block, octave, lane]:
                cell = (tile.neuron + lane) * OCTAVES + octave
                insert_draw(state, cell, scratch.values[tile.block, t, lane], rows.keys[tile.row + t], rows.hash_start)
                scratch.worst[tile.block, octave, lane] = prefix(state.worst[cell])


def _insert_draw(state: NeuronState, cell: int, value: np.float32, key: np.int64, start: np.uint64) -> None:
    """Put a context into the list of an octave, if its hash is among the smallest."""
    values, keys = state.drawn_values, state.drawn_keys
    hashed = hash_of(key, start)
    place = DRAWN
    while place > 0 and (keys[cell, place - 1] == NONE or hash_of(keys[cell, place - 1], start) > hashed):
        place -= 1
    if place == DRAWN:
        return
    for index in range(DRAWN - 1, place, -1):
        values[cell, index], keys[cell, index] = values[cell, index - 1], keys[cell, index - 1]
    values[cell, place], keys[cell, place] = value, key
    if keys[cell, DRAWN - 1] != NONE:
        state.worst[cell] = np.int64(hash_of(keys[cell, DRAWN - 1], start) ^ _SIGN)


def _hash_of(key: np.int64, start: np.uint64) -> np.uint64:
    """As :func:`mechamap.statistics.places.hashes`."""
    state = np.uint64(key) + start
    state = (state ^ (state >> _S30)) * _FIRST_FACTOR
    state = (state ^ (state >> _S27)) * _SECOND_FACTOR
    return state ^ (state >> _S31)


def _prefix(signed_hash: np.int64) -> np.uint32:
    """The upper half of a hash."""
    return np.uint32((np.uint64(signed_hash) ^ _SIGN) >> _S32)


_compiled = njit(nogil=True, error_model="numpy", forceinline=True)

prefix = _compiled(_prefix)
hash_of = _compiled(_hash_of)
insert_draw = _compiled(_insert_draw)
add_draws = _compiled(_add_draws)
insert_context = _compiled(_insert_context)
add_contexts = _compiled(_add_contexts)
write_limits = _compiled(_write_limits)
any_enters = _compiled(_any_enters)
