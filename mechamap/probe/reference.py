"""What is usual for each neuron: where a value stands among its activations over a run's text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from mechamap.runs.run import Run
from mechamap.statistics.histogram import percentile_of

__all__ = ["HistogramReference", "QuantileReference", "Reference", "Standing"]


_AT_ONCE = 65536  # neurons
_Rows = NDArray[np.int64]
_Values = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Standing:
    """Where values stand, each among the activations of its neuron.

    Attributes:
        below: ``[n]``, how many activations are below the value; NaN where the neuron has none.
        at_most: ``[n]``, how many are not above it.
        positions: how many there are of each neuron.
    """

    below: NDArray[np.float64]
    at_most: NDArray[np.float64]
    positions: int

    @property
    def percentiles(self) -> NDArray[np.float64]:
        """``[n]``, 0 to 100: what is below, and half of what is equal."""
        return np.asarray(50 * (self.below + self.at_most) / self.positions)

    @property
    def high(self) -> NDArray[np.float64]:
        """``[n]``, the share of activations that are at least as high."""
        return np.asarray((self.positions - self.below) / self.positions)

    @property
    def low(self) -> NDArray[np.float64]:
        """``[n]``, the share of activations that are at least as low."""
        return np.asarray(self.at_most / self.positions)


class Reference(Protocol):
    """The usual activations of a run's neurons; ``words`` says over what."""

    @property
    def words(self) -> str: ...

    @property
    def positions(self) -> int: ...

    @property
    def mean(self) -> NDArray[np.float32]:
        """``[neurons]``"""

    @property
    def std(self) -> NDArray[np.float32]:
        """``[neurons]``"""

    @property
    def remark(self) -> str:
        """What qualifies it, in a sentence; empty: nothing."""

    def ends(self, row: int) -> tuple[float, float]:
        """A neuron's smallest and largest activation."""

    def standing(self, rows: _Rows, values: _Values) -> Standing:
        """Where each of ``values`` ``[n]`` stands in the neuron of ``rows`` ``[n]``."""


@dataclass(frozen=True, slots=True, eq=False)
class QuantileReference:
    """Order statistics of each neuron's activations, exact at those that are kept, interpolated between them.

    Attributes:
        words: what the activations run over.
        positions: how many there are of each neuron.
        ranks: ``[levels]``, which order statistics are kept, from 0 to ``positions - 1``.
        quantiles: ``[neurons, levels]``.
        mean, std: ``[neurons]``.
        remark: what qualifies it.
    """

    words: str
    positions: int
    ranks: NDArray[np.int64]
    quantiles: NDArray[np.float32]
    mean: NDArray[np.float32]
    std: NDArray[np.float32]
    remark: str = ""

    def ends(self, row: int) -> tuple[float, float]:
        return float(self.quantiles[row, 0]), float(self.quantiles[row, -1])

    def standing(self, rows: _Rows, values: _Values) -> Standing:
        below, at_most = np.empty(len(rows)), np.empty(len(rows))
        for first in range(0, len(rows), _AT_ONCE):
            part = slice(first, first + _AT_ONCE)
            below[part], at_most[part] = self._counted(rows[part], values[part])
        return Standing(below, at_most, self.positions)

    def _counted(self, rows: _Rows, values: _Values) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        levels = self.quantiles[rows]  # [n, levels]
        lower = (levels < values[:, None]).sum(axis=1)  # [n] levels below the value
        upper = (levels <= values[:, None]).sum(axis=1)
        ranks = np.concatenate([[-1], self.ranks, [self.positions]])  # with what stands before and behind
        # At least as many as up to the last level below are below, and fewer than up to the next.
        fewest, most = ranks[lower] + 1.0, ranks[lower + 1].astype(np.float64)
        equal = upper > lower
        between = (lower > 0) & (lower < len(self.ranks)) & ~equal
        places = np.flatnonzero(between)
        low, high = levels[places, lower[places] - 1], levels[places, lower[places]]
        part = (values[places] - low) / np.maximum(high - low, np.finfo(np.float32).tiny)
        below = np.where(equal, most, fewest)
        below[places] = fewest[places] + part * (most[places] - fewest[places])
        at_most = np.where(equal, ranks[upper] + 1.0, below)
        undefined = ~np.isfinite(values) | ~np.isfinite(levels[:, 0])
        below[undefined] = at_most[undefined] = np.nan
        return below, at_most


@dataclass(frozen=True, slots=True, eq=False)
class HistogramReference:
    """The histogram that a run over a corpus keeps: a value stands where it does within its bin, interpolated.

    Attributes:
        run: over a corpus.
    """

    run: Run

    @property
    def words(self) -> str:
        return f"{self.positions:,} positions of the run's corpus"

    @property
    def positions(self) -> int:
        corpus = self.run.record.corpus
        return max(corpus.scored, 1) if corpus is not None else 1

    @property
    def mean(self) -> NDArray[np.float32]:
        return self.run.figure("mean_all")

    @property
    def std(self) -> NDArray[np.float32]:
        return self.run.figure("std_all")

    @property
    def remark(self) -> str:
        return "Percentiles are those of histograms of 64 bins, interpolated."

    def ends(self, row: int) -> tuple[float, float]:
        return float(self.run.figure("min")[row]), float(self.run.figure("max")[row])

    def standing(self, rows: _Rows, values: _Values) -> Standing:
        low, high = self.run.figure("min")[rows], self.run.figure("max")[rows]  # [n]
        counts = np.asarray(self.run.figure("histogram")[rows], np.int64)  # [n, 64]
        share = percentile_of(counts, values.astype(np.float64), low, high)
        share = np.where(np.isfinite(values), share, np.nan)
        below = share * self.positions
        at_most = np.where((values <= high) & (values >= low), np.maximum(below, 1.0), below)
        below = np.where((values <= high) & (below > self.positions - 1), self.positions - 1.0, below)
        return Standing(below, at_most, self.positions)
