"""How the explorer shows the figures that a neuron has for each category: which, how wide, and how one is written."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mechamap.figures.catalogue import FEW_OCCURRENCES, judged_figures
from mechamap.figures.figure import Figure, JudgedFigure, NumberFormat
from mechamap.figures.values import known_value, known_values
from mechamap.runs.run import Run
from mechamap.tables.numbers import NONE, number_writer

__all__ = ["ESTIMATE", "detail_figures", "estimated", "figure_cell", "figure_column", "figure_width", "figure_writer"]


ESTIMATE = "~"  # in front of a number that was estimated, not measured
_CELLS: dict[NumberFormat, int] = {
    "signed": 7,
    "effect": 8,
    "count": 8,
    "share": 5,
    "feature": 15,
}  # with a space in front
_LEAST_CELLS = 6


def detail_figures() -> tuple[JudgedFigure, ...]:
    """The figures that are listed for a single neuron: what it reads, writes and causes first, side by side."""
    figures = (figure for figure in judged_figures().values() if figure.in_detail)
    return tuple(sorted(figures, key=lambda figure: figure.directed))


def figure_width(figure: Figure) -> int:
    """The cells of a figure's column: room for its values, and for its title and the arrow of the order."""
    return max(_CELLS.get(figure.written, _LEAST_CELLS), len(figure.label) + 2)


def figure_writer(figure: Figure) -> Callable[[float], str]:
    """How one value is written."""
    return number_writer(figure.written)


def figure_column(run: Run, figure: JudgedFigure, category: str) -> NDArray[Any]:
    """``[neurons]``; NaN where there is no category, as in a CSV that lists neurons under none.

    Of a figure that compares the category's words with everything else, neurons are left out whose expert few of the
    words came to: the table ranks by it.
    """
    if not category:
        return np.full(run.neurons, np.nan, np.float32)
    if figure.measured_as:
        return known_values(run, figure, category)
    values = np.asarray(run.column(figure.name, category))
    if not (figure.compares and run.has("occurrences")):
        return values
    return np.where(run.column("occurrences", category) < FEW_OCCURRENCES, np.float32(np.nan), values)


def estimated(run: Run, figure: JudgedFigure, category: str) -> NDArray[np.bool_] | None:
    """Which of a figure's values are estimates, ``[neurons]``; None: none."""
    if not figure.measured_as:
        return None
    if not run.has(figure.measured_as):
        return np.ones(run.neurons, np.bool_)
    unmeasured: NDArray[np.bool_] = np.isnan(run.column(figure.measured_as, category))
    return unmeasured


def figure_cell(run: Run, figure: JudgedFigure, row: int, category: str) -> str:
    """One neuron's value as it is written."""
    value, measured = known_value(run, figure, row, category)
    text = figure_writer(figure)(value)
    return ESTIMATE + text if figure.measured_as and not measured and text != NONE else text
