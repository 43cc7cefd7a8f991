"""The neurons that are furthest out of their own usual range at one token."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from mechamap.probe.best_category import BestCategories
from mechamap.probe.reference import Reference
from mechamap.protocol.probed import Outlier, Outliers
from mechamap.runs.run import Run

__all__ = ["find_outliers"]


def find_outliers(
    run: Run, reference: Reference, at_position: Mapping[int, NDArray[np.float32]], position: int, count: int
) -> Outliers:
    """The ``count`` neurons with the smallest share of activations that are as far out, on either side.

    Of those with equal shares, such as all that are beyond everything in the reference, the one that is more standard
    deviations from its mean comes first.

    Args:
        at_position: each layer's activations at the token, ``[neurons of the layer]``.
        position: of the token.
    """
    pieces = [(run.layer_rows(layer), values) for layer, values in at_position.items()]
    rows = np.concatenate([np.arange(layer.first_row, layer.first_row + len(values)) for layer, values in pieces])
    values = np.concatenate([values for _, values in pieces])  # [n]
    standing = reference.standing(rows, values)
    high, low = standing.high, standing.low  # [n]
    share, side = np.minimum(high, low), np.where(high <= low, 1, -1)
    known = np.flatnonzero(np.isfinite(share))
    deviations = _deviations(values, reference.mean[rows], reference.std[rows])
    # lexsort over millions would take long: only those that can be among the first are put in order.
    last = np.partition(share[known], count - 1)[count - 1] if len(known) > count else np.inf
    chosen = known[share[known] <= last]
    chosen = chosen[np.lexsort((-np.abs(deviations[chosen]), share[chosen]))][:count]
    best = BestCategories(run)
    names, categories = run.neuron_names(rows[chosen]), best.of(rows[chosen].tolist())
    neurons = tuple(
        Outlier(
            name,
            float(values[place]),
            float(share[place]),
            int(side[place]),
            float(deviations[place]) if np.isfinite(deviations[place]) else None,
            category.category,
            category.score,
            category.reads,
        )
        for name, place, category in zip(names, chosen.tolist(), categories, strict=True)
    )
    beyond = int((share[known] <= 0).sum())
    return Outliers(position, neurons, len(known), beyond, 2 * len(known) / (reference.positions + 1), best.figure)


def _deviations(
    values: NDArray[np.float32], mean: NDArray[np.float32], std: NDArray[np.float32]
) -> NDArray[np.float64]:
    """Distances from the mean in standard deviations, ``[n]``; infinite where a neuron leaves its only value."""
    distance = values.astype(np.float64) - mean
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(distance == 0, 0.0, distance / std), np.float64)
