"""Neurons of routed experts: which positions were routed to them, and what that means for their figures."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mechamap.figures.catalogue import FEW_OCCURRENCES
from mechamap.runs.run import Run

__all__ = ["FEW_TOKENS", "ExpertNote", "expert_note", "routed_positions"]


FEW_TOKENS = 30  # over fewer tokens than these, figures such as auroc are far out by chance
_AT_ONCE = 16  # neurons of an expert that are looked at together


@dataclass(frozen=True, slots=True)
class ExpertNote:
    """What a neuron's figures are computed over, in a long and a short form, with a warning where tokens are few."""

    text: str = ""
    short: str = ""
    warning: str = ""
    short_warning: str = ""


def expert_note(run: Run, row: int, words: tuple[int, int, str] | None = None) -> ExpertNote:
    """The note about a neuron in a layer that has experts; empty for one in another layer.

    Args:
        words: how many words of a category were routed to the neuron's expert, of how many, and the category's name;
            None: unknown.
    """
    expert, layer = int(run.expert_of[row]), run.layer_rows(int(run.layer_of[row]))
    if expert < 0:
        shared = "shared: every token is routed to it" if layer.experts else ""
        return ExpertNote(shared, shared)
    name = f"expert {expert} of {layer.experts}"
    count = float(run.figure("tokens")[row]) if run.has("tokens") else np.nan
    if np.isnan(count):
        return ExpertNote(name, name)
    if not count:
        nothing, empty = f"{name} · no scored token was routed to it", "it has no figures"
        return ExpertNote(nothing, nothing, empty, empty)
    scored = len(run.record.tokens.pieces) - len(run.excluded)
    of = f" of {scored:,}" if run.has_context else ""
    its_words = "" if words is None else f", {words[0]} of {words[1]} {words[2]} words"
    few = count < FEW_TOKENS or (words is not None and words[0] < FEW_OCCURRENCES)
    return ExpertNote(
        f"{name} · its figures run over {count:,.0f}{of}{' scored' if of else ''} tokens{its_words}",
        f"{name} · {count:,.0f}{of} tokens{its_words}",
        "few: a high auroc may be chance" if few else "",
        "few: may be chance" if few else "",
    )


def routed_positions(run: Run, row: int, kept: NDArray[np.float16]) -> NDArray[np.bool_] | None:
    """The positions that were routed to a neuron's expert, ``[positions]``; None where that is all of them.

    Args:
        kept: the layer's activations, ``[neurons of the layer, positions]``, zero where a position was not routed.
    """
    expert = run.expert_of[row]
    if expert < 0:
        return None
    layer = run.layer_rows(int(run.layer_of[row])).rows
    mates = np.flatnonzero(run.expert_of[layer] == expert)  # rows within the layer, one after another
    scored = np.ones(kept.shape[1], np.bool_)
    scored[list(run.excluded)] = False
    count = float(run.figure("tokens")[row]) if run.has("tokens") else np.inf
    routed = np.zeros(kept.shape[1], np.bool_)
    for first in range(0, len(mates), _AT_ONCE):
        # A single neuron may be zero at a token routed to it, not all of them: stop once as many are found as counted.
        routed |= (kept[mates[first] : mates[min(first + _AT_ONCE, len(mates)) - 1] + 1] != 0).any(axis=0)
        if np.count_nonzero(routed & scored) >= count:
            break
    return routed
