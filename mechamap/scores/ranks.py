"""Ranks along rows, ties sharing their mean, in blocks that fit the cache and on several threads."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from mechamap.scores.ranked import BLOCK_ELEMENTS, pack, runs

__all__ = ["average_precision", "in_blocks", "sorted_bounds"]


_LOW = np.int64(0xFFFFFFFF)


def sorted_bounds(
    values: NDArray[np.float32],
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]:
    """The order of each row of ``[rows, n]``, and the first and last place, from 0, of what equals each value."""
    packed = pack(values)  # [rows, n]
    packed.sort(axis=1)
    order: NDArray[np.intp] = packed & _LOW
    packed >>= 32
    width = values.shape[1]
    flat = (order + (np.arange(len(order)) * width)[:, None]).ravel()
    first = np.empty(values.shape, np.intp)
    first.ravel()[flat] = np.broadcast_to(np.arange(width), values.shape).ravel()
    tied = np.flatnonzero((packed[:, 1:] == packed[:, :-1]).any(axis=1))  # rows
    if not len(tied):
        return order, first, first
    last = first.copy()
    starts, ends = runs(packed[tied])
    for bounds, in_order in ((first, starts), (last, ends)):
        rows = np.empty(in_order.shape, np.intp)
        np.put_along_axis(rows, order[tied], in_order, axis=1)
        bounds[tied] = rows
    return order, first, last


def in_blocks(rows: int, width: int, work: Callable[[slice], None], threads: int) -> None:
    """Call ``work`` with slices of ``rows``, each about as many values of ``width`` as a core's cache holds."""
    block = max(8, BLOCK_ELEMENTS // max(width, 1))
    slices = [slice(first, min(first + block, rows)) for first in range(0, rows, block)]
    if threads > 1 and len(slices) > 1:
        with ThreadPoolExecutor(threads) as pool:
            for _ in pool.map(work, slices):
                pass  # drawing the results raises what a block raised
    else:
        for block_rows in slices:
            work(block_rows)


def average_precision(values: NDArray[np.float32], labels: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Average precision of each row of ``[rows, n]`` for ``labels`` ``[n]``, as scikit-learn defines it: ``[rows]``."""
    _, first, _ = sorted_bounds(values)
    below = np.sort(first[:, labels], axis=1)  # [rows, positives] how many of the row lie below each positive
    steps = np.arange(below.shape[1])
    differs = np.ones(below.shape, np.bool_)
    differs[:, 1:] = below[:, 1:] > below[:, :-1]
    positives_below = np.maximum.accumulate(np.where(differs, steps, 0), axis=1)  # equal ones share the lowest's
    precision = (below.shape[1] - positives_below) / (values.shape[1] - below)
    means: NDArray[np.float64] = precision.mean(axis=1, dtype=np.float64)
    return means
