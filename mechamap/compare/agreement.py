"""How far two runs put the same neurons in the same order: rank correlation, and what of the strongest they share."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

__all__ = ["TOP_SHARE", "ranks", "spearman", "spearman_by_layer", "top_overlap_by_layer"]

TOP_SHARE = 0.01  # of a layer's neurons that count as its strongest
_FEWEST = 3  # values that a rank correlation is worked out from


def ranks(values: NDArray[np.floating]) -> NDArray[np.float64]:
    """The place of each value from 0 up, ties sharing the mean of theirs, ``[n]``; no value may be NaN."""
    order = np.argsort(values)  # [n]
    ordered = values[order]
    first = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))  # [groups] where a new value begins
    end = np.append(first[1:], len(values))  # [groups]
    places = np.empty(len(values))
    places[order] = np.repeat((first + end - 1) / 2, end - first)
    return places


def spearman(a: NDArray[np.floating], b: NDArray[np.floating]) -> float:
    """Spearman's rank correlation over the places where both are numbers; NaN where there are few or all are alike."""
    both = np.isfinite(a) & np.isfinite(b)
    if both.sum() < _FEWEST:
        return math.nan
    middle = (int(both.sum()) - 1) / 2  # the mean of all places
    one, other = (ranks(values[both]) - middle for values in (a, b))
    # Not one @ other: on a busy machine the threads of a product wait for each other longer than it takes.
    size = math.sqrt(float((one * one).sum()) * float((other * other).sum()))
    return float((one * other).sum()) / size if size else math.nan


def spearman_by_layer(
    a: NDArray[np.floating], b: NDArray[np.floating], layer_of: NDArray[np.integer]
) -> NDArray[np.float64]:
    """:func:`spearman` within each layer, ``[layers, categories]``, the layers in ascending order.

    Args:
        a, b: values of the same neurons, ``[neurons, categories]``.
        layer_of: the layer of each, ``[neurons]``.
    """
    layers = [np.flatnonzero(layer_of == layer) for layer in np.unique(layer_of)]
    found = [[spearman(a[rows, column], b[rows, column]) for column in range(a.shape[1])] for rows in layers]
    return np.array(found, np.float64).reshape(len(layers), a.shape[1])


def top_overlap_by_layer(
    a: NDArray[np.floating], b: NDArray[np.floating], layer_of: NDArray[np.integer]
) -> NDArray[np.float64]:
    """What share of a layer's strongest neurons is the same in both, ``[layers, categories]``.

    The strongest are 1 % of the neurons with a value in both, at least one.

    Args:
        a, b: how strong the same neurons are, the larger the stronger, ``[neurons, categories]``.
        layer_of: the layer of each, ``[neurons]``.
    """
    layers = [np.flatnonzero(layer_of == layer) for layer in np.unique(layer_of)]
    found = [[_overlap(a[rows, column], b[rows, column]) for column in range(a.shape[1])] for rows in layers]
    return np.array(found, np.float64).reshape(len(layers), a.shape[1])


def _overlap(a: NDArray[np.floating], b: NDArray[np.floating]) -> float:
    both = np.flatnonzero(np.isfinite(a) & np.isfinite(b))
    if not len(both):
        return math.nan
    most = max(1, round(TOP_SHARE * len(both)))
    one, other = (both[np.argsort(-values[both], kind="stable")[:most]] for values in (a, b))
    return len(np.intersect1d(one, other)) / most
