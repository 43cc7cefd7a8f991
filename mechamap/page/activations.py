"""What a run's files say of a neuron's activation at single tokens: all of them where they were kept, else a few."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from mechamap.figures.contexts import contexts_of, has_contexts
from mechamap.runs.run import Run

__all__ = ["kept_activations", "known_activations"]


def kept_activations(run: Run, row: int) -> NDArray[np.float32] | None:
    """A neuron's activations over the run's text, ``[positions]``; NaN where no position counts; None if not kept."""
    if run.record.corpus is not None or not run.has_context or run.expert_of[row] >= 0:
        return None  # an expert's are those of the tokens that were routed to it
    layer = run.layer_rows(int(run.layer_of[row]))
    kept = run.activations(layer.layer)
    if kept is None:
        return None
    values = np.array(kept[row - layer.first_row], np.float32)  # [positions]
    values[list(run.excluded)] = np.nan
    values[~np.isfinite(values)] = np.nan
    return values


def known_activations(run: Run, row: int) -> tuple[Mapping[int, float], bool]:
    """Activations by position, and whether all that count are there."""
    kept = kept_activations(run, row)
    if kept is not None:
        return {int(position): float(kept[position]) for position in np.flatnonzero(np.isfinite(kept))}, True
    known: dict[int, float] = {}
    if has_contexts(run):
        for group in contexts_of(run, row):
            known |= {context.position: context.value for context in group.contexts}
    for lowest in (False, True):
        if run.has("bottom_positions" if lowest else "top_positions"):
            known |= {hit.position: hit.value for hit in run.top_tokens(row, lowest=lowest)}
    return {position: value for position, value in known.items() if np.isfinite(value)}, False
