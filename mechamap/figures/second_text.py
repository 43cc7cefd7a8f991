"""What a run knows from the natural text that was read right after its scan: which readings hold there, and how many.

A reading holds with an AUROC of at least 0.8 in the direction of the sign, and an average precision of at least ten
times the share of the category's words among the positions.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mechamap.figures.catalogue import judged_figures
from mechamap.figures.of_run import default_figure
from mechamap.figures.values import category_values
from mechamap.runs.checked import SecondText
from mechamap.runs.run import Run

__all__ = [
    "FEWEST",
    "FIRST",
    "HOLDS_AUROC",
    "Reliability",
    "least_precision",
    "natural_look",
    "reliability",
    "reliability_text",
]


FIRST = 20  # neurons of a list that are counted
FEWEST = 5  # occurrences; with fewer, a text says nothing of a category
HOLDS_AUROC = 0.8
HOLDS_TIMES = 10  # the share of the words among the positions
_LARGEST_LEAST = 0.5  # however frequent the words are


@dataclass(frozen=True, slots=True)
class Reliability:
    """How many of the first neurons of a category's list read it in the second text too.

    Attributes:
        listed: how many of the first ones were scored there, at most twenty.
        held: how many of them read the category's words there.
        others: how many read words of the category that chose nothing; None where the text has too few.
    """

    listed: int
    held: int
    others: int | None


def least_precision(base: float) -> float:
    """The average precision from which a reading holds, where ``base`` is that of a neuron that knows nothing."""
    return min(HOLDS_TIMES * base, _LARGEST_LEAST)


def natural_look(run: Run) -> SecondText | None:
    """The record of the natural text that was read right after the scan; None where there is none."""
    return next((look for look in run.record.second_looks if look.categories or look.reason), None)


def reliability(run: Run, category: str, figure: str | None = None) -> Reliability | None:
    """Of the first neurons of a category by a figure; None where no second text says anything about them.

    Args:
        figure: what the list goes by; None: what lists go by where nothing else is asked for.
    """
    look = natural_look(run)
    if look is None or category not in look.categories or not run.has("second_held"):
        return None
    number, kind = run.category_index(category), judged_figures()[figure or default_figure(run)]
    strength = kind.strength(category_values(run, kind.name)[:, number])  # [neurons]
    first = np.argsort(-strength, kind="stable")[:FIRST]
    first = first[np.isfinite(strength[first])]
    held = np.asarray(run.column("second_held", category))[first]
    if not np.isfinite(held).any():
        return None
    return Reliability(int(np.isfinite(held).sum()), int((held == 1).sum()), _others(run, look, category, first))


def reliability_text(counts: Reliability) -> str:
    """``13 of the first 20 read it in a second text too, 11 of them other words of it``."""
    text = f"{counts.held} of the first {counts.listed} read it in a second text too"
    return text if counts.others is None else f"{text}, {counts.others} words of it that chose nothing"


def _others(run: Run, look: SecondText, category: str, rows: NDArray[np.intp]) -> int | None:
    """How many of some neurons read the category's second list in the text."""
    about = look.categories[category]
    if sum(about.others.values()) < FEWEST or not run.has("others_ap"):
        return None
    auroc = np.asarray(run.column("others_auroc", category))[rows]
    falls = np.asarray(run.column("selectivity", category))[rows] < 0
    directed = np.where(falls, 1 - auroc, auroc)
    precision = np.asarray(run.column("others_ap", category))[rows]
    return int(((directed >= HOLDS_AUROC) & (precision >= least_precision(about.others_base))).sum())
