"""Ranks along rows, ties sharing their mean."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mechamap.scores.packing import LOW, pack, runs

__all__ = ["average_precision", "precision_of", "sorted_bounds"]


def sorted_bounds(
    values: NDArray[np.float32],
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]:
    """The order of each row of ``[rows, n]``, and the first and last place, from 0, of what equals each value."""
    packed = pack(values)  # [rows, n]
    packed.sort(axis=1)
    order: NDArray[np.intp] = packed & LOW
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


def average_precision(values: NDArray[np.float32], labels: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Average precision of each row of ``[rows, n]`` for ``labels`` ``[n]``, as scikit-learn defines it: ``[rows]``."""
    _, first, _ = sorted_bounds(values)
    return precision_of(first[:, labels], values.shape[1])


def precision_of(below: NDArray[np.intp], n: int) -> NDArray[np.float64]:
    """Average precision, ``[rows]``, from how many of a row's ``n`` values lie below each positive's."""
    below = np.sort(below, axis=1)  # [rows, positives]
    steps = np.arange(below.shape[1])
    differs = np.ones(below.shape, np.bool_)
    differs[:, 1:] = below[:, 1:] > below[:, :-1]
    positives_below = np.maximum.accumulate(np.where(differs, steps, 0), axis=1)  # equal ones share the lowest's
    precision = (below.shape[1] - positives_below) / (n - below)
    means: NDArray[np.float64] = precision.mean(axis=1, dtype=np.float64)
    return means
