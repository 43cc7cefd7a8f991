"""A filter that lists neurons one by one, for those that no condition on a run's figures tells."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mechamap.run import Run
from mechamap.tables.table import Link

__all__ = ["listed"]

_LONGEST = 4_000  # characters; nobody could read a longer filter


def listed(run: Run, rows: NDArray[np.integer], place: int, category: str = "") -> Link | None:
    """The neurons in these rows of a run; None where there are none, or more than a filter should list.

    Args:
        place: which of the report's runs it is.
        category: the one to look at them by.
    """
    if not len(rows) or len(rows) > _LONGEST // len("neuron == 0"):
        return None
    routed = bool((run.expert_of >= 0).any())
    parts = []
    for layer in np.unique(run.layer_of[rows]).tolist():
        its = rows[run.layer_of[rows] == layer]
        for expert in np.unique(run.expert_of[its]).tolist():
            numbers = run.index_of[its[run.expert_of[its] == expert]].tolist()
            of = f" and expert == {expert}" if routed else ""
            parts.append(f"(layer == {layer}{of} and ({' or '.join(f'neuron == {number}' for number in numbers)}))")
    where = " or ".join(parts)
    return Link(where, category, place) if len(where) <= _LONGEST else None
