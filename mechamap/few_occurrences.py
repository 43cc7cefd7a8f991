"""What is said of neurons of experts to which too few of a category's words came for a figure of it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mechamap.figures import COMPARED, FigureKind
from mechamap.run import FEW_OCCURRENCES, Run

__all__ = ["left_out"]


def left_out(run: Run, kind: FigureKind, rows: NDArray[np.int64] | None = None) -> str:
    """A sentence with how many values of a figure are left out; empty where none is.

    Args:
        rows: the neurons that it is about; None: those of complete layers.
    """
    if kind.name not in COMPARED or not run.has("occurrences"):
        return ""
    if rows is None:
        rows = np.concatenate([np.arange(run.neurons)[layer.rows] for layer in run.complete_layers])
    occurrences = np.asarray(run.figure("occurrences"))[rows]  # [rows, categories]
    few = int((occurrences < FEW_OCCURRENCES).sum())
    if not few:
        return ""
    return (
        f"{few:,} of {occurrences.size:,} pairs of neuron and category are left out: fewer than {FEW_OCCURRENCES} of "
        "the category's words came to the neuron's expert."
    )
