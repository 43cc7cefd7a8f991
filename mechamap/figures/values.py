"""What is said of neurons of experts to which too few of a category's words came for a figure of it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mechamap.errors import RunError
from mechamap.figures.catalogue import COMPARED, FigureKind
from mechamap.figures.findings import causes
from mechamap.runs.figure_names import FEW_OCCURRENCES
from mechamap.runs.run import Run

__all__ = ["category_values", "left_out"]


def left_out(run: Run, kind: FigureKind, rows: NDArray[np.int64] | None = None) -> str:
    """A sentence with how many values of a figure are left out; empty where none is.

    Args:
        rows: the neurons that it is about; None: those of complete layers.
    """
    if kind.name not in COMPARED or not run.has("occurrences"):
        return ""
    if rows is None:
        rows = np.flatnonzero(run.complete_rows)
    occurrences = np.asarray(run.figure("occurrences"))[rows]  # [rows, categories]
    few = int((occurrences < FEW_OCCURRENCES).sum())
    if not few:
        return ""
    return (
        f"{few:,} of {occurrences.size:,} pairs of neuron and category are left out: fewer than {FEW_OCCURRENCES} of "
        "the category's words came to the neuron's expert."
    )


def category_values(run: Run, figure: str) -> NDArray[np.float32]:
    """A figure's values, ``[neurons, categories]``; NaN where there is none to judge by.

    That is where it was not computed, where the layer is not complete, and, of the figures that compare a category's
    words with everything else, where an expert saw too few of them. ``cause`` is the measured one where there is one.

    Raises:
        RunError: the run has no such figure.
    """
    if figure == "cause":
        columns = [causes(run, category) for category in run.categories]
        values = np.stack(columns, axis=1) if columns else np.zeros((run.neurons, 0), np.float32)
    else:
        values = np.array(run.figure(figure), np.float32)  # [neurons, categories], a copy: the run's is not changed
        if values.ndim != 2:
            raise RunError(f"{figure} has one value per neuron, none per category.")
    if figure in COMPARED and run.has("occurrences"):
        values[run.figure("occurrences") < FEW_OCCURRENCES] = np.nan
    for layer in run.layers:
        if not layer.complete:
            values[layer.rows] = np.nan
    return values
