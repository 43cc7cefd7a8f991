"""One table over several runs: for each category and model its best neuron, how many are confirmed, and how deep.

Runs may be of any models and have different categories; where a run has nothing to say, its cells are empty.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mechamap.compare.alignment.labels import run_labels
from mechamap.compare.alignment.pair import usual_threshold
from mechamap.figures.catalogue import judged_figures
from mechamap.figures.figure import JudgedFigure
from mechamap.figures.findings import confirmed
from mechamap.figures.of_run import default_figure
from mechamap.figures.top_words import ShownTokens
from mechamap.figures.values import category_values
from mechamap.query.filters import counting_filter, quoted
from mechamap.query.link import Link
from mechamap.runs.layout import relative_depth
from mechamap.runs.run import Run
from mechamap.tables.rows import LinkedCell, Rows, number
from mechamap.tables.table import Column, Kind, Table
from mechamap.wording.advice import CONFIRM

__all__ = ["all_categories", "overview_matrix", "overview_table", "overview_tables"]


_ABOUT = (
    "Best: of the confirmed neurons the one with the largest value; where none is confirmed, of all neurons, and then "
    "it can be large by chance alone. Strong: at or above the threshold ({threshold}). Depth: the median over the "
    "{deep} neurons{why}; 0 is the first layer, 1 the last."
)

_ALSO = ", in confirmed runs too because not all are confirmed"

_CHANCE = "Where a run was not confirmed, the largest of many values is large by chance alone."
_MATRIX = {
    "strength": ("Largest strength", "Of the confirmed neurons, where there are any."),
    "ap": ("Largest average precision", _CHANCE),
    "reads": ("Largest |reads|", _CHANCE),
    "mean": ("Largest mean", "It is often the same neuron for all categories, one that is always on."),
}


def all_categories(runs: Sequence[Run]) -> tuple[str, ...]:
    """The categories of all runs, in the order in which they first come."""
    return tuple(dict.fromkeys(category for run in runs for category in run.categories))


def overview_table(
    runs: Sequence[Run],
    labels: Sequence[str] | None = None,
    *,
    by: JudgedFigure | None = None,
    threshold: float | None = None,
) -> Table:
    """Category x model, a row each: the best neuron, its check, how many neurons there are, and how deep they lie.

    The best is the confirmed neuron with the largest value, where none is confirmed the one of all; the column ``by``
    says of which figure: the first that all runs with scores have, of ``strength``, ``ap`` and ``selectivity``, of a
    CSV ``mean``. ``confirmed`` is None where a run was not confirmed. ``depth`` is over the confirmed neurons where
    every run was confirmed, else over the strong ones of all: neurons chosen in different ways need not lie equally
    deep.

    Args:
        runs: any; a cell's link says which by its place here.
        labels: what to call the models, one a run; by default :func:`mechamap.compare.alignment.labels.run_labels`.
        by, threshold: the figure and value from which a neuron is strong; by default the usual ones.
    """
    names = run_labels(runs) if labels is None else tuple(labels)
    return _overview(_views_of(runs, by, threshold), names)


def overview_matrix(runs: Sequence[Run], labels: Sequence[str] | None = None) -> Table:
    """Category x model, a column each: the value of the best neuron, to be drawn as a heat map; empty for a run that
    lacks the figure that the others are compared by."""
    return _matrix(_views_of(runs), run_labels(runs) if labels is None else tuple(labels))


def overview_tables(runs: Sequence[Run], by: JudgedFigure | None, threshold: float | None) -> tuple[Table, Table]:
    """Both of these, with what they share worked out once."""
    views, names = _views_of(runs, by, threshold), run_labels(runs)
    return _overview(views, names), _matrix(views, names)


def _overview(views: Sequence[_RunView], names: Sequence[str]) -> Table:
    runs = [view.run for view in views]
    by_check = all(view.checked for view in views)
    signed = any(view.kind.directed for view in views)
    rows = Rows()
    for category in all_categories(runs):
        for view, name in zip(views, names, strict=True):
            rows.add(category, name, *view.cells(category, by_check=by_check, signed=signed))
    kinds = dict.fromkeys(view.kind.label for view in views)
    figures = " or ".join(kinds)
    columns = (
        Column("category", "category"),
        Column("model", "model"),
        Column("best", "best", "neuron"),
        Column("by", "by"),
        Column("value", figures or "value", views[0].kind.written if len(kinds) == 1 else "signed"),
        *((Column("reads", "reads", "correlation"),) if signed else ()),
        Column("held", "held", "probability"),
        Column("p", "p", "p"),
        Column("confirmed", "confirmed", "count"),
        Column("strong", "strong", "count"),
        Column("depth", "depth", "probability"),
        Column("tokens", "tokens", "tokens"),
    )
    thresholds = dict.fromkeys(f"{view.kind.label} {view.threshold:g}" for view in views)
    unchecked = [name for view, name in zip(views, names, strict=True) if not view.checked]
    deep, why = ("confirmed", "") if by_check else ("strong", _ALSO if len(unchecked) < len(views) else "")
    about = _ABOUT.format(threshold=" or ".join(thresholds), deep=deep, why=why)
    if unchecked:
        about += f" Not confirmed: {', '.join(unchecked)}; {CONFIRM} confirms a run."
    return replace(rows.table("overview", "Categories by model", columns, about=about), stubs=2)


def _matrix(views: Sequence[_RunView], names: Sequence[str]) -> Table:
    runs = [view.run for view in views]
    label = _common_figure(runs).label
    rows = Rows()
    for category in all_categories(runs):
        rows.add(category, *(view.matrix_cell(category, label) for view in views))
    kind: Kind = "number" if label == "mean" else "probability"
    columns = tuple(
        Column(name if names.count(name) == 1 else f"{name} {index}", name, kind) for index, name in enumerate(names)
    )
    title, about = _MATRIX[label]
    limit = None if label == "mean" else 1.0
    table = rows.table("overview_matrix", title, (Column("category", "category"), *columns), about=about, limit=limit)
    return replace(table, heat=True)


def _views_of(runs: Sequence[Run], by: JudgedFigure | None = None, threshold: float | None = None) -> list[_RunView]:
    common = _common_figure(runs)
    views = [_RunView.of(run, place, common) for place, run in enumerate(runs)]
    if threshold is None:
        return views
    return [replace(view, threshold=threshold) if view.kind == by else view for view in views]


def _common_figure(runs: Sequence[Run]) -> JudgedFigure:
    """What the runs that have scores are compared by; runs that know means alone do not decide it for the others."""
    scored = [run for run in runs if run.has("selectivity")]
    return judged_figures()[default_figure(*(scored or runs))]


@dataclass(frozen=True)
class _RunView:
    """A run with its figure, worked out once.

    Attributes:
        place: the run's place among those compared.
        values: the figure's, ``[neurons, categories]``.
        checked: whether the run was confirmed.
    """

    run: Run
    place: int
    kind: JudgedFigure
    threshold: float
    values: NDArray[np.float32]
    depth: NDArray[np.float32]
    checked: bool
    tokens: ShownTokens

    @classmethod
    def of(cls, run: Run, place: int, common: JudgedFigure) -> _RunView:
        kind = common if run.has(common.name) else judged_figures()[default_figure(run)]
        figure = kind.name
        values = (
            category_values(run, figure)
            if run.has(figure)
            else np.full((run.neurons, len(run.categories)), np.nan, np.float32)
        )
        checked = run.has("p") and run.has("held_out_auroc")
        return cls(run, place, kind, usual_threshold(run, kind), values, relative_depth(run), checked, ShownTokens(run))

    def best(self, category: str) -> tuple[int, str]:
        """The best neuron's row and what it is the best by; row -1 where no neuron has a value."""
        strength = self.kind.strength(self.values[:, self.run.category_index(category)])  # [neurons]
        good = self.confirmed(category)
        if good is not None and np.isfinite(strength[good]).any():
            strength = np.where(good, strength, np.nan)
        if not np.isfinite(strength).any():
            return -1, ""
        return int(np.nanargmax(strength)), self.kind.label

    def confirmed(self, category: str) -> NDArray[np.bool_] | None:
        """Which neurons are confirmed, ``[neurons]``; None where the run was not."""
        return confirmed(self.run, category) if self.checked else None

    def cells(self, category: str, *, by_check: bool, signed: bool) -> list[LinkedCell]:
        """What the overview has behind category and model.

        Args:
            by_check: whether it says how deep the confirmed neurons lie.
            signed: whether it says which way the best one goes.
        """
        if category not in self.run.categories:
            return [LinkedCell(None)] * (10 if signed else 9)
        row, by = self.best(category)
        column = self.values[:, self.run.category_index(category)]  # [neurons]
        strong = self.kind.holds(column, self.threshold)  # [neurons]
        of_strong = Link(counting_filter(self.kind, self.run, category, self.threshold), category, self.place)
        good = self.confirmed(category)
        of_good = Link(f"confirmed.{quoted(category)}", category, self.place)
        deep, behind = (good, of_good) if good is not None and by_check else (strong, of_strong)
        has_best = row >= 0
        return [
            self._neuron(row, category),
            LinkedCell(by or None),
            LinkedCell(number(column[row]) if has_best else None),
            *((LinkedCell(self._figure("selectivity", row, category)),) if signed else ()),
            LinkedCell(self._figure("held_out_auroc", row, category)),
            LinkedCell(self._figure("p", row, category)),
            LinkedCell(None) if good is None else LinkedCell(int(good.sum()), of_good),
            LinkedCell(int(strong.sum()), of_strong),
            LinkedCell(number(np.median(self.depth[deep])), behind) if deep.any() else LinkedCell(None),
            LinkedCell(self.tokens.of(row, category, self.kind, float(column[row])) if has_best else None),
        ]

    def matrix_cell(self, category: str, by: str) -> LinkedCell:
        """The best neuron's figure, where it is the best by this one."""
        row, best_by = self.best(category) if category in self.run.categories else (-1, "")
        if row < 0 or best_by != by:
            return LinkedCell(None)
        strength = self.kind.strength(self.values[row, self.run.category_index(category)])
        return LinkedCell(number(strength), self._neuron(row, category).link)

    def _neuron(self, row: int, category: str) -> LinkedCell:
        if row < 0:
            return LinkedCell(None)
        name = str(self.run.neuron_name(row))
        return LinkedCell(name, Link(category=category, run=self.place, neuron=name))

    def _figure(self, figure: str, row: int, category: str) -> float | None:
        if row < 0 or not self.run.has(figure):
            return None
        return number(self.run.column(figure, category)[row])
