"""Values packed with their positions into one integer each, so that a single sort gives ranks, positions and ties."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["LOW", "bounds_at", "pack", "runs", "unpack"]


LOW = np.int64(0xFFFFFFFF)  # the half that holds the position


def pack(values: NDArray[np.float32]) -> NDArray[np.int64]:
    """(value, position) pairs as int64 that sort like the values, equal ones by position; -0.0 counts as 0.0."""
    bits = (values + np.float32(0.0)).view(np.int32)
    keys = np.right_shift(bits, 31)
    keys &= np.int32(0x7FFFFFFF)
    keys ^= bits  # negative floats sort backwards as integers: flip all but their sign
    packed = keys.astype(np.int64)
    packed <<= 32
    packed |= np.arange(values.shape[1], dtype=np.int64)
    return packed


def unpack(packed: NDArray[np.int64]) -> NDArray[np.float32]:
    """The values of what :func:`pack` gave."""
    keys = (packed >> 32).astype(np.int32)
    return (keys ^ ((keys >> 31) & np.int32(0x7FFFFFFF))).view(np.float32)


def bounds_at(keys: NDArray[np.int64], elements: NDArray[np.intp]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """First and last index, in their row, of what equals some elements of sorted rows.

    Args:
        keys: ``[rows, width]``, each row sorted.
        elements: which elements, in the flattened array.
    """
    width = keys.shape[1]
    row, index = np.divmod(elements, width)
    flat = keys.ravel()
    tied = (index > 0) & (flat[elements - 1] == flat[elements])
    tied |= (index < width - 1) & (flat[np.minimum(elements + 1, flat.size - 1)] == flat[elements])
    first, last = index, index
    if tied.any():
        first, last = index.copy(), index.copy()
        rows, among = np.unique(row[tied], return_inverse=True)
        starts, ends = runs(keys[rows])
        first[tied], last[tied] = starts[among, index[tied]], ends[among, index[tied]]
    return first, last


def runs(keys: NDArray[np.int64]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """First and last index of the run of equal keys that each element of ``[rows, width]`` lies in."""
    width = keys.shape[1]
    steps = np.arange(width)
    differs = np.diff(keys, axis=1) != 0  # [rows, width - 1]
    first = np.zeros(keys.shape, np.intp)
    first[:, 1:] = np.where(differs, steps[1:], 0)
    np.maximum.accumulate(first, axis=1, out=first)
    last = np.full(keys.shape, width - 1, np.intp)
    last[:, :-1] = np.where(differs, steps[:-1], width - 1)
    backwards = last[:, ::-1]
    np.minimum.accumulate(backwards, axis=1, out=backwards)
    return first, last
