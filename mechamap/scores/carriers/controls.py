"""How well neurons tell a category's words from a few other words: matched ones, or near relatives.

The AUROC's standard error is that of DeLong et al. (1988) with whole words as units: sentences of one word are no
evidence of their own.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mechamap.scores.ranks import precision_of, sorted_bounds

__all__ = ["Contrasted", "contrasted"]


@dataclass(frozen=True, slots=True)
class Contrasted:
    """Scores of neurons in the direction of their sign, ``[neurons]`` each."""

    auroc: NDArray[np.float32]
    error: NDArray[np.float32]
    ap: NDArray[np.float32]


def contrasted(
    values: NDArray[np.float32],
    occurrences: int,
    members: NDArray[np.intp],
    controls: NDArray[np.intp],
    falls: NDArray[np.bool_],
) -> Contrasted:
    """Score words of a category against controls.

    Args:
        values: ``[neurons, all words * occurrences]``, a word's occurrences side by side.
        members, controls: which words, at least one of each.
        falls: ``[neurons]``, where low values are to be the members'.
    """
    words = np.concatenate([members, controls])
    columns = (words[:, None] * occurrences + np.arange(occurrences)).ravel()
    signed = np.where(falls[:, None], -values[:, columns], values[:, columns])
    _, first, last = sorted_bounds(signed)  # [neurons, samples]
    n = len(members) * occurrences
    inside = np.sort(first[:, :n], axis=1)
    # Of all samples below a member's, those of other members are taken away: what stays are the controls below it.
    below = first[:, :n] - _counted(inside, first[:, :n], before=True)
    upto = last[:, :n] + 1 - _counted(inside, last[:, :n], before=False)
    total = len(controls) * occurrences
    won = (below + upto) / (2.0 * total)  # [neurons, member samples], share of controls that it beats
    of_member = won.reshape(len(values), len(members), occurrences).mean(axis=2)
    # A control loses to the members above it.
    higher = n - _counted(inside, last[:, n:], before=False)
    level = n - _counted(inside, first[:, n:], before=True) - higher
    lost = (higher + level / 2.0) / n  # [neurons, control samples]
    of_control = lost.reshape(len(values), len(controls), occurrences).mean(axis=2)
    error = np.sqrt(_variance_of_mean(of_member) + _variance_of_mean(of_control))
    ap = precision_of(first[:, :n], signed.shape[1])
    return Contrasted(*(part.astype(np.float32) for part in (of_member.mean(axis=1), error, ap)))


def _counted(ordered: NDArray[np.intp], places: NDArray[np.intp], *, before: bool) -> NDArray[np.intp]:
    """How many of each row's ordered places are below (``before``), or at or below, other places of that row."""
    width = int(max(ordered.max(initial=0), places.max(initial=0))) + 2
    rows = (np.arange(len(ordered)) * width)[:, None]
    flat = np.searchsorted((ordered + rows).ravel(), (places + rows).ravel(), "left" if before else "right")
    earlier = (np.arange(len(ordered)) * ordered.shape[1])[:, None]
    counts: NDArray[np.intp] = flat.reshape(places.shape) - earlier
    return counts


def _variance_of_mean(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of the mean over the second dimension; zero for a single value."""
    count = values.shape[1]
    return values.var(axis=1, ddof=1) / count if count > 1 else np.zeros(len(values))
