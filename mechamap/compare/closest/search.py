"""The product of all neurons of two models, searched block by block for its largest entries."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mechamap.compare.closest.baseline import baseline_slabs
from mechamap.compare.closest.products import Products
from mechamap.compare.closest.unit_rows import NeuronRows, UnitRows, standardised, unit_blocks, unit_slabs
from mechamap.errors import Cancelled
from mechamap.events import Listener, Stage, StageEntered

if TYPE_CHECKING:
    from mechamap.compare.closest.settings import MatchSettings

__all__ = ["Search", "nothing"]


@dataclass(frozen=True, slots=True)
class Search:
    """Goes through products block by block.

    Attributes:
        products: where they are worked out.
        on_event: called with the progress.
        cancel: checked between blocks.
    """

    products: Products
    on_event: Listener
    cancel: threading.Event | None

    def closest(self, a: NeuronRows, b: NeuronRows) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """For each neuron of ``a`` the closest row of ``b``, and the other way round; -1 where there is none."""
        best, value = np.full(a.shape[0], -1, np.int64), np.full(a.shape[0], -np.inf, np.float32)
        # Of the neurons of b only the block of a is noted where the closest stands: the place in it is looked up later.
        block_b, value_b = np.full(b.shape[0], -1, np.int64), np.full(b.shape[0], -np.inf, np.float32)
        for slab in unit_slabs(b):
            held = self.products.held(slab.values)
            for number, block in self._blocks(a, "closest"):
                rows = self.products.held(block.values)
                for columns in self._columns(slab):
                    maxima = self.products.maxima(rows, held[columns])
                    rows_b = slab.rows[columns]
                    higher = maxima.rows > value[block.rows]
                    value[block.rows[higher]] = maxima.rows[higher]
                    best[block.rows[higher]] = rows_b[maxima.index[higher]]
                    higher = maxima.columns > value_b[rows_b]
                    value_b[rows_b[higher]], block_b[rows_b[higher]] = maxima.columns[higher], number
        return best, self._looked_up(a, b, block_b)

    def _looked_up(self, a: NeuronRows, b: NeuronRows, block_b: NDArray[np.int64]) -> NDArray[np.int64]:
        """Which row of a block of ``a`` is the closest to each neuron of ``b``."""
        best_b = np.full(b.shape[0], -1, np.int64)
        for number, block in self._blocks(a, "closest the other way round"):
            rows = self.products.held(block.values)
            mine = np.flatnonzero(block_b == number)
            for first in range(0, len(mine), self.products.block[0]):
                unit = standardised(b.block(mine[first : first + self.products.block[0]]))
                maxima = self.products.maxima(self.products.held(unit.values), rows)
                best_b[mine[first + unit.rows]] = block.rows[maxima.index]
        return best_b

    def baselines(
        self, a: NeuronRows, b: NeuronRows, settings: MatchSettings
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """For both models' neurons the largest correlation with the other model's baseline; NaN if not wanted.

        One product with the words of b in another order is as good for the neurons of b, which see those of a in
        another order; a product with b rotated says nothing about the neurons of b.
        """
        if settings.baseline == "none":
            return nothing(a), nothing(b)
        if settings.baseline == "rotation" and settings.both:
            return self._baseline(a, b, settings)[0], self._baseline(b, a, settings)[0]
        baseline, baseline_b = self._baseline(a, b, settings)
        return baseline, baseline_b if settings.both else nothing(b)

    def _baseline(
        self, a: NeuronRows, b: NeuronRows, settings: MatchSettings
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """The mean over draws, for the neurons of ``a`` and, where words are shuffled, for those of ``b``."""
        kind, draws = settings.baseline, settings.draws
        total, total_b = np.zeros(a.shape[0]), np.zeros(b.shape[0])
        for draw in range(draws):
            value, value_b = nothing(a), nothing(b)
            for slab in baseline_slabs(b, kind, np.random.default_rng((settings.seed, draw))):
                held = self.products.held(slab.values)
                for _, block in self._blocks(a, f"{kind} {draw + 1} of {draws}" if draws > 1 else kind):
                    rows = self.products.held(block.values)
                    for columns in self._columns(slab):
                        if kind == "shuffle" and settings.both:
                            maxima = self.products.maxima(rows, held[columns])
                            largest, rows_b = maxima.rows, slab.rows[columns]
                            value_b[rows_b] = np.fmax(value_b[rows_b], maxima.columns)
                        else:
                            largest = self.products.largest(rows, held[columns])
                        value[block.rows] = np.fmax(value[block.rows], largest)
            total += value
            total_b += value_b
        return (total / draws).astype(np.float32), (total_b / draws).astype(np.float32)

    def _blocks(self, a: NeuronRows, doing: str) -> Iterator[tuple[int, UnitRows]]:
        for number, block in zip(count(), unit_blocks(a, self.products.block[0])):
            if self.cancel is not None and self.cancel.is_set():
                raise Cancelled("The comparison was cancelled.")
            self.on_event(StageEntered(Stage.MATCH, f"{doing}: {int(block.rows[0]):,} of {a.shape[0]:,} neurons"))
            yield number, block

    def _columns(self, slab: UnitRows) -> Iterator[slice]:
        step = self.products.block[1]
        return (slice(first, first + step) for first in range(0, len(slab.rows), step))


def nothing(rows: NeuronRows) -> NDArray[np.float32]:
    """NaN for every neuron."""
    return np.full(rows.shape[0], np.nan, np.float32)
