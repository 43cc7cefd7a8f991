"""For each neuron of a model its closest one in another: the highest correlation over words that both have read.

As in "Universal Neurons in GPT2 Language Models" (Gurnee et al., 2024, arXiv:2401.12181), with one difference: a neuron
is as close to another whose activation is the opposite, since in gated models the sign of an activation is arbitrary
(turn the signs of a neuron's up-projection and of its output weights, and the model computes the same). So neurons are
matched by the magnitude of their correlation, unless :attr:`MatchSettings.signed`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count

import numpy as np
from numpy.typing import NDArray

from mechamap.choices import BASELINES
from mechamap.compare.baseline import baseline_slabs
from mechamap.compare.products import Products, products_on
from mechamap.compare.unit_rows import NeuronRows, UnitRows, standardised, unit_blocks, unit_slabs
from mechamap.errors import Cancelled, UsageError
from mechamap.events import ScanEvent, StageEntered

__all__ = ["UNIVERSAL", "MatchSettings", "Matches", "closest_neurons"]

UNIVERSAL = 0.5  # an excess above it counts as universal (Gurnee et al., section 4.1)
LEAST_WORDS = 3  # any two rows of two values correlate by 1

Listener = Callable[[ScanEvent], None]


@dataclass(frozen=True, slots=True)
class MatchSettings:
    """How neurons are matched.

    Attributes:
        baseline: ``rotation``, ``shuffle`` or ``none``, see :mod:`mechamap.compare.baseline`.
        draws: over how many random rotations or orders the baseline is averaged.
        seed: of those.
        signed: only the highest correlation is close, as in the paper; else one near -1 is as close.
        both: work out the baseline of the other model's neurons too, which takes another product.
    """

    baseline: str = "rotation"
    draws: int = 1
    seed: int = 0
    signed: bool = False
    both: bool = False

    def check(self) -> None:
        """Raises UsageError where they make no sense."""
        if self.baseline not in BASELINES:
            raise UsageError(f"There is no baseline {self.baseline!r}.", f"There are {', '.join(BASELINES)}.")
        if self.draws < 1:
            raise UsageError(f"A baseline of {self.draws} draws is none.", "Give 1 or more, or the baseline none.")


@dataclass(frozen=True)
class Matches:
    """The closest neurons, one row per neuron; NaN and -1 where there is none.

    There is none for a neuron that does not vary over the words, or whose activations are not finite there, and none
    at all where no neuron of the other model varies. Of equally close ones the first counts.

    Attributes:
        best: ``[neurons of a]``, rows of b.
        correlation: ``[neurons of a]``, with it, with its sign.
        baseline: ``[neurons of a]``, the largest magnitude of a correlation (``signed``: the largest) with b's
            activations rotated or shuffled; NaN without a baseline.
        best_b, correlation_b: the same the other way round, rows of a for the neurons of b.
        baseline_b: likewise; NaN unless asked for (``both``).
        words: over how many.
    """

    best: NDArray[np.int64]
    correlation: NDArray[np.float32]
    baseline: NDArray[np.float32]
    best_b: NDArray[np.int64]
    correlation_b: NDArray[np.float32]
    baseline_b: NDArray[np.float32]
    words: int
    settings: MatchSettings

    @property
    def excess(self) -> NDArray[np.float32]:
        """``[neurons of a]``, how far the correlation is above the baseline."""
        return self._strength(self.correlation) - self.baseline

    @property
    def excess_b(self) -> NDArray[np.float32]:
        """``[neurons of b]``."""
        return self._strength(self.correlation_b) - self.baseline_b

    @property
    def mutual(self) -> NDArray[np.bool_]:
        """``[neurons of a]``, whether the neuron is the closest to its closest one."""
        return _mutual(self.best, self.best_b)

    @property
    def mutual_b(self) -> NDArray[np.bool_]:
        """``[neurons of b]``."""
        return _mutual(self.best_b, self.best)

    def universal(self, threshold: float = UNIVERSAL) -> NDArray[np.bool_]:
        """``[neurons of a]``, which have an excess above the threshold."""
        return self.excess > threshold  # NaN is not

    def _strength(self, correlation: NDArray[np.float32]) -> NDArray[np.float32]:
        return correlation if self.settings.signed else np.abs(correlation)


def closest_neurons(
    a: NeuronRows,
    b: NeuronRows,
    settings: MatchSettings = MatchSettings(),
    *,
    device: str | None = None,
    on_event: Listener = lambda event: None,
    cancel: threading.Event | None = None,
) -> Matches:
    """For each neuron of a model the closest of another, and the other way round, over the same words.

    Args:
        a: activations over words, ``[neurons, words]``.
        b: over the same words, in the same order.
        settings: what counts as close, and the baseline.
        device: where the products are worked out: the CPU with numpy where not given, else with torch.
        on_event: told of how far it is.
        cancel: set it to stop.

    Raises:
        UsageError: the words are not as many on both sides, or too few, or the settings make no sense.
        Cancelled: ``cancel`` was set.
    """
    settings.check()
    words = a.shape[1]
    if words != b.shape[1]:
        raise UsageError(f"Neurons over {words:,} words cannot be matched with neurons over {b.shape[1]:,}.")
    if words < LEAST_WORDS:
        raise UsageError(f"Neurons cannot be matched over {words} words.", "Have both read a longer text: --text FILE.")
    search = _Search(products_on(device, signed=settings.signed), on_event, cancel)
    best, best_b = search.closest(a, b)
    return Matches(
        best=best,
        correlation=_correlations(a, b, best),
        baseline=search.baseline(a, b, settings),
        best_b=best_b,
        correlation_b=_correlations(b, a, best_b),
        baseline_b=search.baseline(b, a, settings) if settings.both else _nothing(b),
        words=words,
        settings=settings,
    )


@dataclass(frozen=True, slots=True)
class _Search:
    """Goes through the product of two models' neurons block by block."""

    products: Products
    on_event: Listener
    cancel: threading.Event | None

    def closest(self, a: NeuronRows, b: NeuronRows) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Of each neuron of ``a`` the row of ``b``, and of each of ``b`` the row of ``a``; -1 where there is none."""
        best, value = np.full(a.shape[0], -1, np.int64), np.full(a.shape[0], -np.inf, np.float32)
        # Of the neurons of b only the block of a is noted where the closest stands: the place in it is looked up later.
        block_b, value_b = np.full(b.shape[0], -1, np.int64), np.full(b.shape[0], -np.inf, np.float32)
        for slab in unit_slabs(b):
            held = self.products.held(slab.values)
            for number, block in self._blocks(a, "closest"):
                rows = self.products.held(block.values)
                for columns in self._columns(slab):
                    found = self.products.maxima(rows, held[columns])
                    at = slab.rows[columns]
                    higher = found.rows > value[block.rows]
                    value[block.rows[higher]] = found.rows[higher]
                    best[block.rows[higher]] = at[found.index[higher]]
                    higher = found.columns > value_b[at]
                    value_b[at[higher]], block_b[at[higher]] = found.columns[higher], number
        return best, self._looked_up(a, b, block_b)

    def _looked_up(self, a: NeuronRows, b: NeuronRows, block_b: NDArray[np.int64]) -> NDArray[np.int64]:
        """Which row of a block of ``a`` is the closest to each neuron of ``b``."""
        best_b = np.full(b.shape[0], -1, np.int64)
        for number, block in self._blocks(a, "closest the other way round"):
            rows = self.products.held(block.values)
            mine = np.flatnonzero(block_b == number)
            for first in range(0, len(mine), self.products.block[0]):
                its = standardised(b.block(mine[first : first + self.products.block[0]]))
                found = self.products.maxima(self.products.held(its.values), rows)
                best_b[mine[first + its.rows]] = block.rows[found.index]
        return best_b

    def baseline(self, a: NeuronRows, b: NeuronRows, settings: MatchSettings) -> NDArray[np.float32]:
        """The largest correlation of each neuron of ``a`` with what rotation or shuffling makes of ``b``."""
        if settings.baseline == "none":
            return _nothing(a)
        total = np.zeros(a.shape[0])
        for draw in range(settings.draws):
            value = np.full(a.shape[0], np.nan, np.float32)
            for slab in baseline_slabs(b, settings.baseline, np.random.default_rng((settings.seed, draw))):
                held = self.products.held(slab.values)
                for _, block in self._blocks(a, f"{settings.baseline} {draw + 1} of {settings.draws}"):
                    rows = self.products.held(block.values)
                    for columns in self._columns(slab):
                        largest = self.products.largest(rows, held[columns])
                        value[block.rows] = np.fmax(value[block.rows], largest)
            total += value
        return (total / settings.draws).astype(np.float32)

    def _blocks(self, a: NeuronRows, doing: str) -> Iterator[tuple[int, UnitRows]]:
        for number, block in zip(count(), unit_blocks(a, self.products.block[0])):
            if self.cancel is not None and self.cancel.is_set():
                raise Cancelled("The comparison was cancelled.")
            self.on_event(StageEntered("match", f"{doing}: {int(block.rows[0]):,} of {a.shape[0]:,} neurons"))
            yield number, block

    def _columns(self, slab: UnitRows) -> Iterator[slice]:
        step = self.products.block[1]
        return (slice(first, first + step) for first in range(0, len(slab.rows), step))


def _correlations(a: NeuronRows, b: NeuronRows, best: NDArray[np.int64]) -> NDArray[np.float32]:
    """Of each neuron with its closest, worked out once more with more digits than the search needs."""
    found = _nothing(a)
    for first in range(0, len(best), 1024):
        there = first + np.flatnonzero(best[first : first + 1024] >= 0)  # [rows]
        one = a.block(there).astype(np.float64)  # [rows, words]
        other = b.block(best[there]).astype(np.float64)  # [rows, words]
        one -= one.mean(axis=1, keepdims=True)
        other -= other.mean(axis=1, keepdims=True)
        lengths = np.sqrt(np.vecdot(one, one) * np.vecdot(other, other))
        found[there] = (np.vecdot(one, other) / lengths).clip(-1, 1)
    return found


def _mutual(best: NDArray[np.int64], back: NDArray[np.int64]) -> NDArray[np.bool_]:
    there = best >= 0
    mutual = np.zeros(len(best), np.bool_)
    mutual[there] = back[best[there]] == np.flatnonzero(there)
    return mutual


def _nothing(rows: NeuronRows) -> NDArray[np.float32]:
    return np.full(rows.shape[0], np.nan, np.float32)
