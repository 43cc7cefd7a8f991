"""How far two runs put the same neurons in the same order: rank correlation, and what of the strongest they share."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "TOP_SHARE",
    "chance_overlap",
    "median_spearman",
    "ranks",
    "spearman",
    "spearman_by_layer",
    "top_overlap_by_layer",
]


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


def median_spearman(a: NDArray[np.floating], b: NDArray[np.floating]) -> float:
    """The median over categories of :func:`spearman`, of ``[neurons, categories]`` each; NaN where none has one."""
    correlations = [spearman(a[:, column], b[:, column]) for column in range(a.shape[1])]
    known = [value for value in correlations if np.isfinite(value)]
    return float(np.median(known)) if known else math.nan


def spearman_by_layer(
    a: NDArray[np.floating], b: NDArray[np.floating], layer_of: NDArray[np.integer]
) -> NDArray[np.float64]:
    """:func:`spearman` within each layer, ``[layers, categories]``, the layers in ascending order.

    Args:
        a, b: values of the same neurons, ``[neurons, categories]``.
        layer_of: the layer of each, ``[neurons]``.
    """
    layers = [np.flatnonzero(layer_of == layer) for layer in np.unique(layer_of)]
    correlations = [[spearman(a[rows, column], b[rows, column]) for column in range(a.shape[1])] for rows in layers]
    return np.array(correlations, np.float64).reshape(len(layers), a.shape[1])


def top_overlap_by_layer(
    a: NDArray[np.floating], b: NDArray[np.floating], layer_of: NDArray[np.integer]
) -> NDArray[np.float64]:
    """What share of a layer's strongest neurons is the same in both, ``[layers, categories]``.

    The strongest are 1 % of the neurons with a value in both, at least one. Where more are equally strong than that
    leaves room for, each is one of them with the same chance, in either run for itself: what is found is the mean over
    all ways to choose. Taking the first ones in both would have runs share them that have nothing in common.

    Args:
        a, b: how strong the same neurons are, the larger the stronger, ``[neurons, categories]``.
        layer_of: the layer of each, ``[neurons]``.
    """
    layers = [np.flatnonzero(layer_of == layer) for layer in np.unique(layer_of)]
    overlaps = [[_overlap(a[rows, column], b[rows, column]) for column in range(a.shape[1])] for rows in layers]
    return np.array(overlaps, np.float64).reshape(len(layers), a.shape[1])


def _overlap(a: NDArray[np.floating], b: NDArray[np.floating]) -> float:
    both = np.flatnonzero(np.isfinite(a) & np.isfinite(b))
    if not len(both):
        return math.nan
    most = _strongest(len(both))
    one, other = (_chances(values[both], most) for values in (a, b))
    return float((one * other).sum()) / most


def _strongest(neurons: int) -> int:
    """How many of a layer's ``neurons`` are its strongest."""
    return max(1, round(TOP_SHARE * neurons))


def _chances(values: NDArray[np.floating], most: int) -> NDArray[np.float64]:
    """How likely each is among the strongest, ``[n]``: 1 above the weakest of these, less where several tie."""
    weakest = np.partition(values, len(values) - most)[len(values) - most]
    above, tied = values > weakest, values == weakest
    chances: NDArray[np.float64] = above + tied * ((most - int(above.sum())) / int(tied.sum()))
    return chances


def chance_overlap(a: NDArray[np.floating], b: NDArray[np.floating], layer_of: NDArray[np.integer]) -> list[float]:
    """What :func:`top_overlap_by_layer` is on average where the runs have nothing in common, least and most.

    That is the share of a layer's neurons that count as its strongest: more than 1 % in a layer of fewer than 100.
    """
    both = np.isfinite(a) & np.isfinite(b)  # [neurons, categories]
    counts = np.unique([both[layer_of == layer].sum(axis=0) for layer in np.unique(layer_of)])
    shares = [_strongest(count) / count for count in counts.tolist() if count]
    return [min(shares), max(shares)] if shares else []
