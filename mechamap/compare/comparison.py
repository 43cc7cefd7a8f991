"""Runs that are compared, the figure and the threshold: what can be compared is determined before any work."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from mechamap.compare.alignment.relation import CompareAs, Relation, relation_of
from mechamap.compare.closest.specialised_shares import THRESHOLD
from mechamap.errors import UsageError
from mechamap.figures.catalogue import FIGURES, figure_names
from mechamap.figures.figure import JudgedFigure
from mechamap.figures.of_run import default_figure, figures_of, judged_figure
from mechamap.runs.run import Run
from mechamap.tables.rows import checked_threshold
from mechamap.wording.advice import RESUME, Action, Advice

__all__ = ["Comparison", "Differences", "prepare"]


# Whether every neuron's difference is listed: not at all, for the figure compared by, or for every figure.
Differences: TypeAlias = Literal["none", "figure", "all"]


@dataclass(frozen=True)
class Comparison:
    """Two or more runs that can be compared, and how.

    Attributes:
        runs: the links of cells lead to them by their place here.
        figure: what neurons are judged by; every run has it.
        threshold: the value from which a neuron counts; None: what is usual for each run.
        compare_as: how runs were asked to be compared.
        relation: what two runs have in common; None of more.
        differences: of which figures every neuron's difference is listed.
    """

    runs: tuple[Run, ...]
    figure: JudgedFigure
    threshold: float | None
    compare_as: CompareAs
    relation: Relation | None
    differences: Differences

    @property
    def of_different_models(self) -> bool:
        """Whether it is about two models whose neurons have no counterpart by name."""
        return self.relation is not None and not self.relation.same

    @property
    def specialised(self) -> float:
        """From which \\|selectivity\\| on a neuron is specialised: the threshold, where it is one of selectivity."""
        if self.figure.name == "selectivity" and self.threshold is not None:
            return self.threshold
        return THRESHOLD


def prepare(
    runs: Sequence[Run],
    by: str | None = None,
    threshold: float | None = None,
    *,
    relation: CompareAs = "auto",
    differences: Differences = "none",
) -> Comparison:
    """Determine what is compared, and refuse what cannot be; no table is made and no model is needed.

    Args:
        runs: two or more.
        by: the figure to compare by, in the run's words or the screens'; None: the first that all runs
            have, of strength, ap, selectivity and mean.
        threshold: the value from which a neuron counts; that of the figure where not given.
        relation: whether to compare two runs as the same neurons or as different models; ``auto``: as they are.
        differences: of which figures the table ``differences`` has every neuron in common.

    Raises:
        UsageError: fewer than two runs, a run without the figure, or nothing in common.
    """
    if len(runs) < 2:
        raise UsageError("A comparison needs at least two runs.")
    for run in runs:
        if not run.complete_layers:
            raise UsageError(
                f"No layer of {run.name} is complete yet, so there is nothing to compare.",
                Advice.of("Wait for the first layer, or go on with the scan: {}.", RESUME),
            )
    figure = _compared_figure(runs, by)
    if threshold is not None:
        checked_threshold(figure, threshold)
    common = relation_of(runs[0], runs[1], relation) if len(runs) == 2 else None
    if common is not None:
        _check_pair(common, differences)
    return Comparison(tuple(runs), figure, threshold, relation, common, differences)


def _compared_figure(runs: Sequence[Run], by: str | None) -> JudgedFigure:
    """The figure that several runs are compared by; refused where one of them has none that the others have."""
    if by is not None:
        figures = [judged_figure(run, by) for run in runs]  # every run has to have it
        return figures[0]
    usual = default_figure(*runs)
    if all(run.has(usual) for run in runs):
        return judged_figure(runs[0], usual)
    both = [figure for figure in figures_of(runs[0]) if all(figure in figures_of(run) for run in runs[1:])]
    if not both:
        have = "; ".join(
            f"{run.name} has {', '.join(figure.label for figure in figures_of(run)) or 'none'}" for run in runs
        )
        raise UsageError(f"The runs have no figure in common: {have}.")
    return next((figure for figure in both if figure.name == "mean"), both[0])


def _check_pair(relation: Relation, differences: Differences) -> None:
    a, b = relation.a, relation.b
    if not relation.same and differences != "none":
        raise UsageError(
            f"{a.name} and {b.name} are of different models, so they cannot be compared neuron by neuron.",
            Advice.of("{} compares neurons of the same name regardless.", Action("compare --as same")),
        )
    others = figures_of(b)
    per_category = bool(relation.categories) and any(figure in others for figure in figures_of(a))
    per_neuron = [name for name in figure_names("neuron", made_by="scan") if not FIGURES[name].flag]
    if relation.same and not per_category and not any(a.has(name) and b.has(name) for name in per_neuron):
        raise UsageError(f"{a.name} and {b.name} have the same neurons, but no figure in common.")
