"""The table with a row for every neuron that two runs have in common: for programs, since nobody reads it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mechamap.compare.pair import Pair, pair_of
from mechamap.compare.relation import Relation
from mechamap.figures import figures_of
from mechamap.run import NEURON_FIGURES
from mechamap.tables.figure_columns import column_kind
from mechamap.tables.rows import numbers
from mechamap.tables.table import Cell, Column, Kind, Table

__all__ = ["differences_table"]


def differences_table(pair: Pair, *, all_figures: bool = False) -> Table:
    """Every neuron's A, B and B - A of the pair's figure for each category, ``[common]`` rows.

    Args:
        all_figures: B - A of every figure that both runs have instead; A and B are in the runs.
    """
    columns = [Column("neuron", "neuron", "neuron"), Column("layer", "layer", "number")]
    relation = pair.relation
    cells: list[list[Cell]] = [[*relation.a.neuron_names(relation.rows_a)], [*_layers(relation)]]
    if all_figures:
        both = {kind.name for kind in figures_of(relation.b)}
        for kind in figures_of(relation.a):
            if kind.name in both:
                its = pair_of(relation, kind)
                for at, category in enumerate(relation.categories):
                    columns.append(_column(f"{kind.name}.{category}.difference", "signed"))
                    cells.append([*numbers(its.difference[:, at])])
        for name in NEURON_FIGURES:
            if relation.a.has(name) and relation.b.has(name):
                columns.append(_column(f"{name}.difference", "signed"))
                cells.append([*numbers(_per_neuron(relation, name))])
    else:
        kind_of = column_kind(pair.kind)
        for at, category in enumerate(relation.categories):
            sides: tuple[tuple[str, Kind, NDArray[np.float32]], ...] = (
                ("a", kind_of, pair.a),
                ("b", kind_of, pair.b),
                ("difference", "signed", pair.difference),
            )
            for side, kind_of_side, values in sides:
                columns.append(_column(f"{pair.kind.name}.{category}.{side}", kind_of_side))
                cells.append([*numbers(values[:, at])])
    what = "every figure" if all_figures else pair.kind.label
    about = "B - A; empty where a run has no value."
    rows = tuple(zip(*cells, strict=True))
    return Table("differences", f"Every neuron in common, by {what}", tuple(columns), rows, about)


def _column(key: str, kind: Kind) -> Column:
    return Column(key, key, kind)


def _layers(relation: Relation) -> list[int]:
    layers: list[int] = relation.a.layer_of[relation.rows_a].tolist()
    return layers


def _per_neuron(relation: Relation, name: str) -> NDArray[np.float32]:
    a, b = relation.a.figure(name)[relation.rows_a], relation.b.figure(name)[relation.rows_b]
    difference: NDArray[np.float32] = np.asarray(b, np.float32) - np.asarray(a, np.float32)
    return difference
