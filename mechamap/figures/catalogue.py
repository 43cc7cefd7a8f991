"""How a figure that a neuron has for each category is judged: which way it is strong, and from where on it counts.

Every count of neurons "at or above the threshold" goes through here, so that tables, screens and filters agree: what
:func:`mechamap.query.filters.counting_filter` gives is a filter that means the very neurons that
:meth:`FigureKind.holds` is true of.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mechamap.errors import UsageError
from mechamap.figures.findings import SIGNIFICANT
from mechamap.runs.run import Run

__all__ = [
    "COMPARED",
    "FIGURE_KINDS",
    "OF_READING",
    "FigureKind",
    "default_figure",
    "figure_kind",
    "figures_of",
]


# They compare a category's words with everything else: with few words that happen to fit, they are far out by chance.
COMPARED = ("auroc", "selectivity", "d", "ap")

OF_READING = ("selectivity", "auroc", "d", "mean")  # below their centre the neuron goes down on the category


@dataclass(frozen=True, slots=True)
class FigureKind:
    """One figure.

    Attributes:
        name: the run's figure.
        label: what screens and filters also call it.
        usual: the threshold where none is given; None: the one the run was made with.
        two_sided: whether a value far below ``centre`` says as much as one far above.
        ascending: whether small values are the strong ones.
        centre: the value that says nothing.
    """

    name: str
    label: str
    usual: float | None
    two_sided: bool = False
    ascending: bool = False
    centre: float = 0.0

    def threshold(self, run: Run) -> float:
        """From where on a neuron counts, where the user does not say."""
        return self.usual if self.usual is not None else float(run.record.config.get("threshold", 0.2))

    def positive(self, values: NDArray[np.float32], threshold: float) -> NDArray[np.bool_]:
        """Which values are at or above the threshold (of a p: at or below it); never NaN."""
        # A Python float is compared as the array's own type: 0.7 that was stored as float32 is at 0.7.
        return values <= threshold if self.ascending else values >= threshold

    def negative(self, values: NDArray[np.float32], threshold: float) -> NDArray[np.bool_]:
        """Which values are as far on the other side; none of a figure that has one side."""
        if not self.two_sided:
            return np.zeros(values.shape, np.bool_)
        return values <= self.mirrored(threshold)

    def holds(self, values: NDArray[np.float32], threshold: float) -> NDArray[np.bool_]:
        """Which values count, on whichever side."""
        return self.positive(values, threshold) | self.negative(values, threshold)

    def mirrored(self, threshold: float) -> float:
        """The threshold on the other side of the centre."""
        return round(2 * self.centre - threshold, 12)  # 1 - 0.95 is 0.05 to the user, not 0.050000000000000044

    def strength(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """How much a value says, the larger the more; NaN stays NaN."""
        if self.two_sided:
            distance: NDArray[np.float32] = np.abs(values - np.float32(self.centre))
            return distance
        return np.negative(values) if self.ascending else values


FIGURE_KINDS = {
    kind.name: kind
    for kind in (
        FigureKind("selectivity", "reads", 0.9, two_sided=True),
        FigureKind("write", "writes", 3.0, two_sided=True),
        FigureKind("cause", "causes", 0.05, two_sided=True),
        FigureKind("cause_measured", "cause_measured", 0.05, two_sided=True),
        FigureKind("p", "p", SIGNIFICANT, ascending=True, centre=1.0),
        FigureKind("write_p", "write_p", SIGNIFICANT, ascending=True, centre=1.0),
        FigureKind("held_out_auroc", "held", 0.95, centre=0.5),
        FigureKind("held_out_ap", "held_out_ap", 0.5),
        FigureKind("second_auroc", "second", 0.95, centre=0.5),
        FigureKind("auroc", "auroc", 0.95, two_sided=True, centre=0.5),
        FigureKind("ap", "ap", 0.5),
        FigureKind("d", "d", 3.0, two_sided=True),
        FigureKind("mean", "mean", None),
    )
}
_NAMES = {kind.label: kind for kind in FIGURE_KINDS.values()} | FIGURE_KINDS


def figures_of(run: Run) -> tuple[FigureKind, ...]:
    """The per-category figures that a run has and that can mean something for its model."""
    return tuple(kind for kind in FIGURE_KINDS.values() if _is_in(run, kind))


def default_figure(run: Run) -> str:
    """What a run's neurons are judged by where the user does not say: selectivity, of a CSV the mean it has."""
    return "selectivity" if run.has("selectivity") else "mean"


def figure_kind(run: Run, name: str) -> FigureKind:
    """The figure that a user names, in the run's words or the screens' (``reads``).

    Raises:
        UsageError: there is no such figure, or the run does not have it.
    """
    kind = _NAMES.get(name.strip().lower())
    have = ", ".join(kind.label for kind in figures_of(run)) or "none"
    if kind is None:
        raise UsageError(f"Unknown figure per category {name!r}.", f"{run.name} has {have}.")
    if not _is_in(run, kind):
        if reason := run.record.undefined.get(kind.name):
            raise UsageError(f"{kind.label} is not defined for the model of {run.name}.", reason)
        raise UsageError(f"{run.name} has no figure {kind.label}.", f"It has {have}.{_HOW_TO_GET.get(kind.name, '')}")
    return kind


_HOW_TO_GET = {
    **dict.fromkeys(("p", "write_p", "held_out_auroc", "held_out_ap"), " `mechamap confirm RUN` works it out."),
    **dict.fromkeys(("cause", "cause_measured"), " `mechamap ablate RUN` works it out."),
}


def _is_in(run: Run, kind: FigureKind) -> bool:
    has = run.has(kind.name) or (kind.name == "cause" and run.has("cause_measured"))
    return has and kind.name not in run.record.undefined
