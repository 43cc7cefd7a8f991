"""How the explorer shows the figures that a neuron has for each category: which, how wide, and how one is written."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mechamap.figures.catalogue import FEW_OCCURRENCES, judged_figures
from mechamap.figures.figure import Figure, JudgedFigure, NumberFormat
from mechamap.figures.values import known_value, known_values
from mechamap.runs.run import Run
from mechamap.tables.numbers import NONE, number_writer

__all__ = [
    "ESTIMATE",
    "detail_figures",
    "detail_width",
    "estimated",
    "figure_cell",
    "figure_column",
    "figure_width",
    "figure_with_error",
    "figure_writer",
]


ESTIMATE = "~"  # in front of a number that was estimated, not measured
_CELLS: dict[NumberFormat, int] = {
    "signed": 7,
    "effect": 8,
    "count": 8,
    "share": 5,
    "feature": 15,
}  # with a space in front
_LEAST_CELLS = 6
_WITHOUT_ZERO: tuple[NumberFormat, ...] = ("probability", "correlation")  # before the point
_ERROR_CELLS = 8  # room for " ± <0.01"


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


def figure_with_error(run: Run, figure: JudgedFigure, row: int, category: str) -> str:
    """One neuron's value, with its standard error where the run has one: ``.93 ± .02``."""
    text = figure_cell(run, figure, row, category)
    if text == NONE or not _has_error(run, figure):
        return text
    error = figure.error_factor * float(run.column(figure.error, category)[row])
    if math.isnan(error):
        return text
    written = _error_text(error)
    return f"{text} ± {written.replace('0.', '.', 1) if figure.written in _WITHOUT_ZERO else written}"


def detail_width(run: Run, figure: JudgedFigure) -> int:
    """The cells of a figure's column of values with errors."""
    return figure_width(figure) + (_ERROR_CELLS if _has_error(run, figure) else 0)


def _has_error(run: Run, figure: JudgedFigure) -> bool:
    return bool(figure.error) and run.has(figure.error)


def _error_text(error: float) -> str:
    """At most five cells: ``0.02``, ``<0.01``, ``12.3``, ``1e+07``; what is small is not nothing."""
    if 0 < error < 0.005:
        return "<0.01"
    if error < 9.995:
        return f"{error:.2f}"
    return f"{error:.3g}" if error < 99_999.5 else f"{error:.0e}"
