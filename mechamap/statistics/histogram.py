"""The histogram of each neuron's activations, in bins that are the same for all models."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mechamap.statistics.batch import LayerBatch
from mechamap.statistics.bins import BINS, EDGES, ZERO_BIN

__all__ = ["Histogram", "fire_of", "percentile_of", "quantile"]


CHUNK_VALUES = 1 << 22  # whose bins are counted at once


class Histogram:
    """How many activations lie in each bin.

    Attributes:
        counts: ``[neurons, 64]`` int64, see :data:`mechamap.statistics.bins.EDGES`.
    """

    def __init__(self, counts: Tensor) -> None:
        self.counts = counts

    @classmethod
    def empty(cls, neurons: int, device: torch.device) -> Histogram:
        return cls(torch.zeros(neurons, BINS, dtype=torch.int64, device=device))

    def part(self, rows: slice) -> Histogram:
        """Of some neurons; adding to it adds to this."""
        return Histogram(self.counts[rows])

    def add(self, batch: LayerBatch) -> None:
        neurons = batch.values.shape[1]
        flat = self.counts.view(-1)
        first = torch.arange(neurons, device=flat.device) * BINS  # [neurons]
        one = torch.ones((), dtype=torch.int64, device=flat.device)
        for bins in torch.split(batch.bins, max(CHUNK_VALUES // max(neurons, 1), 1)):
            cells = (bins + first).view(-1)
            flat.scatter_add_(0, cells, one.expand(len(cells)))
        self.counts[:, ZERO_BIN] += batch.positions - len(batch.values)

    def merge(self, other: Histogram) -> None:
        self.counts += other.counts.to(self.counts.device)

    def arrays(self) -> dict[str, NDArray[Any]]:
        return {"histogram": self.counts.cpu().numpy().copy()}

    @classmethod
    def from_arrays(cls, arrays: dict[str, NDArray[Any]], device: torch.device) -> Histogram:
        return cls(torch.tensor(arrays["histogram"], dtype=torch.int64, device=device))


def fire_of(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """``[neurons]``, how many activations are above zero: exact, as the bins meet there."""
    return np.asarray(counts[:, ZERO_BIN + 1 :].sum(axis=1), np.int64)


def quantile(
    counts: NDArray[np.int64], share: float, low: NDArray[np.float32], high: NDArray[np.float32]
) -> NDArray[np.float64]:
    """The value that a share of each neuron's activations does not exceed, interpolated within its bin.

    Args:
        counts: ``[neurons, 64]``.
        share: from 0 to 1.
        low, high: ``[neurons]``, smallest and largest activation, which end the outermost bins.

    Returns:
        ``[neurons]``, off by at most the width of a bin (half the value's magnitude, or 2^-8); NaN without activations.
    """
    total = counts.sum(axis=1)
    upto = counts.cumsum(axis=1)  # [neurons, 64]
    rank = share * total
    column = np.minimum((upto < rank[:, None]).sum(axis=1), BINS - 1)  # [neurons]
    first = (counts > 0).argmax(axis=1)  # not to be before the first occupied one where share is 0
    column = np.maximum(column, first)
    neurons = np.arange(len(counts))
    inside = counts[neurons, column]
    with np.errstate(invalid="ignore", divide="ignore"):
        part = np.clip((rank - (upto[neurons, column] - inside)) / inside, 0, 1)
    lower, upper = _ends(column, low, high)
    return np.asarray(np.where(total > 0, lower + part * (upper - lower), np.nan), np.float64)


def percentile_of(
    counts: NDArray[np.int64], values: NDArray[np.float64], low: NDArray[np.float32], high: NDArray[np.float32]
) -> NDArray[np.float64]:
    """Which share of each neuron's activations is below a value, interpolated within its bin.

    Args:
        counts, low, high: as for :func:`quantile`.
        values: ``[neurons]``.

    Returns:
        ``[neurons]``, 0 to 1; NaN without activations.
    """
    total = counts.sum(axis=1)
    column = np.clip(np.searchsorted(EDGES, values, side="right") - 1, 0, BINS - 1)
    neurons = np.arange(len(counts))
    inside = counts[neurons, column]
    below = counts.cumsum(axis=1)[neurons, column] - inside
    lower, upper = _ends(column, low, high)
    with np.errstate(invalid="ignore", divide="ignore"):
        part = np.where(upper > lower, np.clip((values - lower) / (upper - lower), 0, 1), (values > lower) * 1.0)
        return np.asarray((below + part * inside) / np.where(total > 0, total, np.nan), np.float64)


def _ends(
    columns: NDArray[np.intp], low: NDArray[np.float32], high: NDArray[np.float32]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Ends of the columns, ``[neurons]`` each, as far as there are activations."""
    lower, upper = EDGES[columns], EDGES[columns + 1]
    lower = np.where(low < upper, np.maximum(lower, low), lower)
    return lower, np.where(high > lower, np.minimum(upper, high), upper)
