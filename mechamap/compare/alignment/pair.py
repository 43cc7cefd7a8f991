"""One figure of the neurons that two runs have in common, side by side, and which of them count in which run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from mechamap.compare.alignment.relation import Relation
from mechamap.figures.csv_gaps import known_from, lists_some
from mechamap.figures.figure import JudgedFigure
from mechamap.figures.values import category_values
from mechamap.runs.run import Run

__all__ = ["Pair", "common_threshold", "pair_of", "usual_threshold"]


@dataclass(frozen=True)
class Pair:
    """A figure's values in both runs, ``[common, categories]``, NaN where there is none.

    Attributes:
        threshold: the value from which a neuron counts, the same in both runs.
        estimated: how many values are estimates although one of the runs has them measured, see :func:`pair_of`.
    """

    relation: Relation
    kind: JudgedFigure
    threshold: float
    a: NDArray[np.float32]
    b: NDArray[np.float32]
    estimated: int = 0

    @cached_property
    def difference(self) -> NDArray[np.float32]:
        """B - A, ``[common, categories]``."""
        with np.errstate(invalid="ignore"):  # infinite values of odd runs
            return self.b - self.a

    @cached_property
    def in_a(self) -> NDArray[np.bool_]:
        """What counts in A, ``[common, categories]``."""
        return self.kind.holds(self.a, self.threshold)

    @cached_property
    def in_b(self) -> NDArray[np.bool_]:
        return self.kind.holds(self.b, self.threshold)

    @cached_property
    def appeared(self) -> NDArray[np.bool_]:
        """What counts in B, and in A is known not to, ``[common, categories]``."""
        return self.in_b & ~self.in_a & self._known(self.relation.a, self.a)

    @cached_property
    def vanished(self) -> NDArray[np.bool_]:
        return self.in_a & ~self.in_b & self._known(self.relation.b, self.b)

    @cached_property
    def turned(self) -> NDArray[np.bool_]:
        """What counts in both, but goes up in one run and down in the other."""
        if self.kind.directed:
            a, b = _in_common(self.relation, lambda run: _as_stored(run, "selectivity"))
            with np.errstate(invalid="ignore", over="ignore"):
                directed: NDArray[np.bool_] = self.in_a & self.in_b & (a * b < 0)
            return directed
        above_a, above_b = (self.kind.positive(values, self.threshold) for values in (self.a, self.b))
        turned: NDArray[np.bool_] = self.in_a & self.in_b & (above_a ^ above_b)
        return turned

    @property
    def has_sides(self) -> bool:
        """Whether it is known in both runs which way a neuron goes."""
        runs = self.relation.a, self.relation.b
        return self.kind.two_sided or (self.kind.directed and all(run.has("selectivity") for run in runs))

    @property
    def unknown(self) -> int:
        """How many times something counts in one run and has no value in the other."""
        return int((self.in_a ^ self.in_b).sum() - self.appeared.sum() - self.vanished.sum())

    def lists_less(self, run: Run) -> bool:
        """Whether the run is a CSV without values below its own threshold, and that threshold is above this one."""
        return lists_some(run) and self.threshold < usual_threshold(run, self.kind)

    def _known(self, run: Run, values: NDArray[np.float32]) -> NDArray[np.bool_]:
        """Where it is known whether a neuron counts: what a CSV omits is below its own threshold."""
        left_out = lists_some(run) and not self.lists_less(run)
        return np.ones(values.shape, np.bool_) if left_out else ~np.isnan(values)


def pair_of(relation: Relation, kind: JudgedFigure, threshold: float | None = None) -> Pair:
    """A figure of the neurons and categories in common.

    ``cause`` is the measured one where both runs have measured it, else the estimate: a measured effect less an
    estimated one is how far off the estimate is, and no difference of the runs.
    """
    a, b = _in_common(relation, lambda run: category_values(run, kind.name))
    estimated = 0
    if kind.name == "cause":
        measured = _in_common(relation, lambda run: _as_stored(run, "cause_measured"))
        one_side = np.isnan(measured[0]) ^ np.isnan(measured[1])  # [common, categories]
        estimated = int(one_side.sum())
        for values, estimates in zip((a, b), _in_common(relation, lambda run: _as_stored(run, "cause")), strict=True):
            values[one_side] = estimates[one_side]
    if threshold is None:
        threshold = common_threshold(relation.a, relation.b, kind)
    return Pair(relation, kind, threshold, a, b, estimated)


def _in_common(
    relation: Relation, values_of: Callable[[Run], NDArray[np.float32]]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """What each run has of the neurons and categories in common, ``[common, categories]``, copies."""
    values = []
    for run, rows in ((relation.a, relation.rows_a), (relation.b, relation.rows_b)):
        columns = np.array([run.category_index(name) for name in relation.categories], np.int64)
        values.append(values_of(run)[rows[:, None], columns])
    return values[0], values[1]


def _as_stored(run: Run, figure: str) -> NDArray[np.float32]:
    """``[neurons, categories]``, NaN where the run does not have the figure."""
    if run.has(figure):
        return np.asarray(run.figure(figure), np.float32)
    return np.full((run.neurons, len(run.categories)), np.nan, np.float32)


def common_threshold(a: Run, b: Run, kind: JudgedFigure) -> float:
    """One threshold for both: the larger of their usual ones, at which both runs know every neuron."""
    return max(usual_threshold(a, kind), usual_threshold(b, kind))


def usual_threshold(run: Run, kind: JudgedFigure) -> float:
    """The default threshold of a run; of a CSV, the value from which it lists all means."""
    return known_from(run) if kind.name == "mean" else kind.threshold(run)
