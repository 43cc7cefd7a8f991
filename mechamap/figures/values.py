"""The values of a figure as neurons are judged by them, and how many of them are left out."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from mechamap.errors import RunError
from mechamap.figures.catalogue import FEW_OCCURRENCES, judged_figures
from mechamap.figures.figure import JudgedFigure
from mechamap.runs.run import Run

__all__ = ["category_values", "falling", "known_value", "known_values", "left_out"]


def left_out(run: Run, kind: JudgedFigure, rows: NDArray[np.int64] | None = None) -> str:
    """A sentence with how many values of a figure are left out; empty where none are.

    Args:
        rows: the neurons that it is about; None: those of complete layers.
    """
    if not kind.compares or not run.has("occurrences"):
        return ""
    if rows is None:
        rows = np.flatnonzero(run.complete_rows)
    occurrences = np.asarray(run.figure("occurrences"))[rows]  # [rows, categories]
    rare = int((occurrences < FEW_OCCURRENCES).sum())
    if not rare:
        return ""
    return (
        f"{rare:,} of {occurrences.size:,} pairs of neuron and category are left out: fewer than {FEW_OCCURRENCES} of "
        "the category's words were routed to the neuron's expert."
    )


def known_values(run: Run, figure: JudgedFigure, category: str) -> NDArray[np.float32]:
    """A figure's values for one category, ``[neurons]``: measured where they were, else the estimate, else NaN."""
    values = np.full(run.neurons, np.nan, np.float32)
    for name in (figure.name, figure.measured_as):
        if name and run.has(name):
            column = run.column(name, category)
            values = np.where(np.isnan(column), values, column)
    return values


def known_value(run: Run, figure: JudgedFigure, row: int, category: str) -> tuple[float, bool]:
    """One neuron's value, and whether it is a measured one; NaN where there is none."""
    for name in (figure.measured_as, figure.name):
        if name and run.has(name) and not math.isnan(value := float(run.column(name, category)[row])):
            return value, name == figure.measured_as
    return math.nan, False


def falling(run: Run) -> NDArray[np.bool_] | None:
    """Which neurons go down on which categories, ``[neurons, categories]``; None where the run does not say."""
    return np.asarray(run.figure("selectivity")) < 0 if run.has("selectivity") else None


def category_values(run: Run, figure: str) -> NDArray[np.float32]:
    """A figure's values, ``[neurons, categories]``; NaN where there is none to judge by.

    That is where it was not computed, where the layer is not complete, and, of the figures that compare a category's
    words with everything else, where an expert saw too few of them. Estimates give way to what was measured.

    Raises:
        RunError: the run has no such figure.
    """
    judged = judged_figures().get(figure)
    if judged is not None and judged.measured_as:
        columns = [known_values(run, judged, category) for category in run.categories]
        values = np.stack(columns, axis=1) if columns else np.zeros((run.neurons, 0), np.float32)
    else:
        with np.errstate(invalid="ignore", over="ignore"):  # signalling NaNs of odd files become plain ones
            values = np.array(run.figure(figure), np.float32)  # [neurons, categories], a copy: the run's is not changed
            values *= np.float32(1)
        if values.ndim != 2:
            raise RunError(f"{figure} has one value per neuron, not one per category.")
    if judged is not None and judged.compares and run.has("occurrences"):
        values[run.figure("occurrences") < FEW_OCCURRENCES] = np.nan
    for layer in run.layers:
        if not layer.complete:
            values[layer.rows] = np.nan
    return values
