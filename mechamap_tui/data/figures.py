"""The figures that a neuron has for each category: what they are called, in what order, and how one is written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mechamap.figures.findings import causes, finding
from mechamap.runs.figure_names import FEW_OCCURRENCES
from mechamap.runs.run import Run
from mechamap.tables.numbers import NONE, correlation, effect, magnitude, probability, small_probability

__all__ = ["CATEGORY_FIGURES", "ESTIMATE", "CategoryFigure"]


ESTIMATE = "~"  # in front of a number that was estimated, not measured


@dataclass(frozen=True, slots=True)
class CategoryFigure:
    """One figure: ``key`` is its column's name, ``figure`` the run's; ``width`` cells with a space in front.

    ``ascending``: what matters most are its lowest values, so it is sorted upwards first. ``listed``: it has a column
    in the neuron table; a figure that only a few candidates have does not deserve one.
    """

    key: str
    figure: str
    width: int
    text: Callable[[float], str]
    signed: bool = False
    ascending: bool = False
    listed: bool = True

    def is_in(self, run: Run) -> bool:
        """Whether the run has it, and it can mean something for its model."""
        return run.has(self.figure) and not self.undefined(run)

    def undefined(self, run: Run) -> str:
        """Why it cannot mean anything for the run's model, empty where it can."""
        return run.record.undefined.get(self.figure, "")

    def column(self, run: Run, category: str) -> NDArray[Any]:
        """``[neurons]``; NaN where there is no category, as in a CSV that lists neurons under none."""
        if not category:
            return np.full(run.neurons, np.nan, np.float32)
        return np.asarray(run.column(self.figure, category))

    def estimated(self, run: Run, category: str) -> NDArray[np.bool_] | None:
        """Which of its values are estimates, ``[neurons]``; None: none."""
        return None

    def value(self, run: Run, row: int, category: str) -> float:
        return float(run.column(self.figure, category)[row])

    def cell(self, run: Run, row: int, category: str) -> str:
        """One neuron's value as it is written."""
        return self.text(self.value(run, row, category))


class _Compared(CategoryFigure):
    """Compares a category's words with everything else: with a few words that happen to fit, it is far out by chance.

    In the table, where neurons are ranked by it, it is left out for those whose expert few of the words came to.
    """

    def column(self, run: Run, category: str) -> NDArray[Any]:
        values = super().column(run, category)
        if not run.has("occurrences"):
            return values
        return np.where(run.column("occurrences", category) < FEW_OCCURRENCES, np.float32(np.nan), values)


class _Causes(CategoryFigure):
    """Measured where the neuron was ablated, else estimated."""

    def is_in(self, run: Run) -> bool:
        return (run.has("cause") or run.has("cause_measured")) and not self.undefined(run)

    def column(self, run: Run, category: str) -> NDArray[Any]:
        return causes(run, category)

    def estimated(self, run: Run, category: str) -> NDArray[np.bool_] | None:
        if not run.has("cause_measured"):
            return np.ones(run.neurons, np.bool_)
        estimated: NDArray[np.bool_] = np.isnan(run.column("cause_measured", category))
        return estimated

    def value(self, run: Run, row: int, category: str) -> float:
        return finding(run, row, category).causes

    def cell(self, run: Run, row: int, category: str) -> str:
        found = finding(run, row, category)
        text = self.text(found.causes)
        return text if found.measured or text == NONE else ESTIMATE + text


CATEGORY_FIGURES = (
    _Compared("reads", "selectivity", 7, correlation, signed=True),
    CategoryFigure("writes", "write", 8, magnitude, signed=True),
    _Causes("causes", "cause", 8, effect, signed=True, ascending=True),
    CategoryFigure("p", "p", 6, small_probability, ascending=True),
    CategoryFigure("held", "held_out_auroc", 6, probability),
    CategoryFigure("second", "second_auroc", 7, probability, listed=False),
    _Compared("auroc", "auroc", 7, probability),
    _Compared("ap", "ap", 6, probability),
    _Compared("d", "d", 7, magnitude),
    CategoryFigure("mean", "mean", 7, magnitude),
)
