"""Two different models by depth: where in each the neurons of a category lie."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from mechamap.figures.figure import JudgedFigure
from mechamap.figures.values import category_values
from mechamap.query.filters import bracketed, counting_filter
from mechamap.query.link import Link
from mechamap.runs.layout import knows_depth, model_layers, relative_depth
from mechamap.runs.run import Run
from mechamap.tables.rows import LinkedCell, Rows, number, threshold_text
from mechamap.tables.table import Column, Table

__all__ = ["BINS", "Profiled", "depth_table", "profiled", "profiles_table"]


BINS = 10  # of relative depth


@dataclass(frozen=True)
class Profiled:
    """A run's neurons by depth and by which of them count.

    Attributes:
        place: 0 for A, 1 for B.
        values: the figure's, ``[neurons, categories of the run]``.
        scored: which neurons are there to count, those of complete layers, ``[neurons]``.
        depth: relative, ``[neurons]``.
    """

    run: Run
    place: int
    kind: JudgedFigure
    threshold: float
    values: NDArray[np.float32]
    scored: NDArray[np.bool_]
    depth: NDArray[np.float32]

    def where(self, category: str) -> str:
        """The filter that keeps those that count."""
        return counting_filter(self.kind, self.run, category, self.threshold)

    def of(self, category: str) -> NDArray[np.bool_]:
        """Which neurons count for a category, ``[neurons]``."""
        return self.counts[:, self.run.category_index(category)]

    @cached_property
    def counts(self) -> NDArray[np.bool_]:
        """Which neurons count for which category, ``[neurons, categories of the run]``."""
        return self.kind.holds(self.values, self.threshold)

    def strongest(self, row: int) -> tuple[str, float | None]:
        """The category that a neuron is strongest for, and its value; empty and None where it has none."""
        strength = self.kind.strength(self.values[row])  # [categories]
        if not np.isfinite(strength).any():
            return "", None
        index = int(np.nanargmax(strength))
        return self.run.categories[index], float(self.values[row, index])


def profiled(run: Run, place: int, kind: JudgedFigure, threshold: float) -> Profiled:
    """A run by one figure."""
    values = category_values(run, kind.name)
    return Profiled(run, place, kind, threshold, values, run.complete_rows, relative_depth(run))


def profiles_table(sides: tuple[Profiled, Profiled], categories: tuple[str, ...]) -> Table:
    """Category and model x relative depth: how many of 1,000 neurons count, to be drawn as a heat map."""
    rows = Rows()
    for category in categories:
        for side in sides:
            bins = np.minimum(side.run.layer_of * BINS // max(model_layers(side.run) - 1, 1), BINS - 1)  # [neurons]
            cells = [_bin(side, category, side.scored & (bins == index)) for index in range(BINS)]
            rows.add(f"{category} {'AB'[side.place]}", *cells)
    columns = (
        Column("category", "category"),
        *(Column(f"depth_{index / BINS:g}", f"{index / BINS:g}".lstrip("0") or "0", "number") for index in range(BINS)),
    )
    about = (
        f"Per 1,000 neurons of the layers from that relative depth to the next, how many have {_thresholds(sides)}; 0 "
        "is the first layer, 1 the last; empty where there is no scanned layer."
    )
    values = [float(cell) for row in rows.cells for cell in row[1:] if isinstance(cell, int | float)]
    return rows.table("profiles", "Where in depth", columns, about=about, limit=max(values, default=1.0) or 1.0)


def _bin(side: Profiled, category: str, within: NDArray[np.bool_]) -> LinkedCell:
    if not within.any():
        return LinkedCell(None)
    layers = side.run.layer_of[within]
    where = f"{bracketed(side.where(category))} and layer >= {layers.min()} and layer <= {layers.max()}"
    count = int((side.of(category) & within).sum())
    return LinkedCell(round(1000 * count / int(within.sum()), 2), Link(where, category, side.place))


def depth_table(sides: tuple[Profiled, Profiled], categories: tuple[str, ...]) -> Table:
    """For each category how many neurons count in either model, and the quartiles of their relative depth."""
    rows = Rows()
    for category in categories:
        cells: list[LinkedCell] = []
        medians: list[float] = []
        for side in sides:
            counts = side.of(category) & side.scored  # [neurons]
            link = Link(side.where(category), category, side.place) if counts.any() else None
            quartiles = np.quantile(side.depth[counts], (0.25, 0.5, 0.75)) if counts.any() else np.full(3, np.nan)
            cells += [LinkedCell(int(counts.sum()), Link(side.where(category), category, side.place))]
            cells += [LinkedCell(number(value), link) for value in quartiles]
            medians.append(float(quartiles[1]))
        rows.add(category, *cells, number(medians[1] - medians[0]))
    columns = [Column("category", "category")]
    for key, letter in (("a", "A"), ("b", "B")):
        columns += [
            Column(f"neurons_{key}", f"neurons {letter}", "count"),
            Column(f"lower_quartile_{key}", f"25 % {letter}", "probability"),
            Column(f"median_{key}", f"median {letter}", "probability"),
            Column(f"upper_quartile_{key}", f"75 % {letter}", "probability"),
        ]
    about = f"Quartiles of the relative depth of neurons with {_thresholds(sides)}."
    for side in sides:
        about += _scope(side)
    columns.append(Column("difference", "B - A", "correlation"))
    return rows.table("depth", "How deep each category lies", tuple(columns), about=about)


def _thresholds(sides: tuple[Profiled, Profiled]) -> str:
    one, other = (threshold_text(side.kind, side.threshold) for side in sides)
    return one if one == other else f"{one} (A) or {other} (B)"


def _scope(side: Profiled) -> str:
    """What a run does not know about its model's depth."""
    name, layers = "AB"[side.place], model_layers(side.run)
    if not knows_depth(side.run):
        return f" {name} is a CSV: its model may have more layers than the {layers} up to the last one listed."
    missing = layers - len(side.run.complete_layers)
    return f" Of the {layers} layers of {name}, {missing} are not in the run." if missing else ""
