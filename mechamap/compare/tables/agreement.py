"""How far two runs of the same neurons agree, figure by figure and layer by layer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mechamap.compare.alignment.pair import Pair, pair_of
from mechamap.compare.alignment.relation import Relation
from mechamap.compare.tables.ranks import (
    TOP_SHARE,
    chance_overlap,
    median_spearman,
    spearman_by_layer,
    top_overlap_by_layer,
)
from mechamap.figures.catalogue import FIGURES, figure_names
from mechamap.figures.of_run import figures_of
from mechamap.query.link import Link
from mechamap.tables.rows import LinkedCell, Rows, category_columns, number, numbers
from mechamap.tables.table import Column, Kind, Table

__all__ = ["Sizes", "figures_table", "layers_table", "overlap_table", "sizes_of"]


@dataclass(frozen=True, slots=True)
class Sizes:
    """How large the differences of one figure are.

    Attributes:
        neurons: how many have a value in both runs.
        median, high, largest: the median and the 99th percentile of \\|B - A\\|, and B - A where it is largest; NaN
            where there is nothing to compare.
        neuron: that neuron's number among those in common; -1: there is none.
        category: the one it is about; empty for a figure per neuron.
        agreement: Spearman's correlation over neurons, of a figure per category the median over categories.
        equal: whether the values are the same in both, those that are missing too.
    """

    figure: str
    label: str
    neurons: int
    median: float
    high: float
    largest: float
    neuron: int
    category: str
    agreement: float
    equal: bool


def sizes_of(relation: Relation) -> Iterator[Sizes]:
    """The differences of every figure that both runs have, those per category first."""
    others = {kind.name for kind in figures_of(relation.b)}
    for kind in figures_of(relation.a):
        if kind.name in others and relation.categories:
            pair = pair_of(relation, kind)
            yield _sizes(kind.name, kind.label, pair.a, pair.b, relation.categories)
    for name in figure_names("neuron", made_by="scan"):
        if not FIGURES[name].flag and relation.a.has(name) and relation.b.has(name):
            a, b = (
                np.asarray(run.figure(name)[rows], np.float32)[:, None]
                for run, rows in ((relation.a, relation.rows_a), (relation.b, relation.rows_b))
            )  # [common, 1]
            yield _sizes(name, name, a, b, ("",))


def _sizes(name: str, label: str, a: NDArray[np.float32], b: NDArray[np.float32], categories: tuple[str, ...]) -> Sizes:
    with np.errstate(invalid="ignore"):  # what is infinite in both
        difference = b - a  # [common, categories]
    finite = np.isfinite(difference)
    equal = np.array_equal(a, b, equal_nan=True)
    if not finite.any():
        return Sizes(name, label, 0, np.nan, np.nan, np.nan, -1, "", np.nan, equal)
    size = np.where(finite, np.abs(difference), -1)
    neuron, column = divmod(int(size.argmax()), size.shape[1])
    median, high = np.quantile(size[finite], (0.5, 0.99))
    return Sizes(
        name,
        label,
        int(finite.any(axis=1).sum()),
        float(median),
        float(high),
        float(difference[neuron, column]),
        neuron,
        categories[column],
        median_spearman(a, b),
        equal,
    )


def figures_table(relation: Relation, sizes: Iterable[Sizes]) -> Table:
    """How large the differences of every figure are, and where the largest one is."""
    rows = Rows()
    for size in sizes:
        differs = size.neuron >= 0 and size.largest
        name = str(relation.b.neuron_name(int(relation.rows_b[size.neuron]))) if differs else ""
        rows.add(
            size.label,
            size.neurons,
            *numbers(np.array([size.median, size.high, size.largest])),
            LinkedCell(name or None, Link(category=size.category, run=1, neuron=name) if name else None),
            size.category if name and size.category else None,
            number(size.agreement),
        )
    columns = (
        Column("figure", "figure"),
        Column("neurons", "neurons", "count"),
        Column("median", "median |B - A|", "number"),
        Column("percentile_99", "99 % below", "number"),
        Column("largest", "largest", "number"),
        Column("neuron", "at neuron", "neuron"),
        Column("category", "category"),
        Column("spearman", "rank agreement", "correlation"),
    )
    about = (
        "Differences over all neurons and categories that have a value in both. Rank agreement: the median over "
        "categories of Spearman's correlation over neurons."
    )
    return rows.table("figures", "How far every figure differs", columns, about=about)


def layers_table(pair: Pair) -> Table:
    """Layer x category: Spearman's correlation of the figure over the layer's neurons."""
    layer_of = pair.relation.a.layer_of[pair.relation.rows_a]  # [common]
    correlations = spearman_by_layer(pair.a, pair.b, layer_of)
    about = "Spearman's correlation over the layer's neurons: +1 the same order, 0 none."
    title = f"Rank agreement by {pair.kind.label}, layer by layer"
    return _by_layer(pair, correlations, ("layers", title), about, signed=True)


def overlap_table(pair: Pair) -> Table:
    """Layer x category: what share of the layer's strongest neurons is the same in both."""
    layer_of = pair.relation.a.layer_of[pair.relation.rows_a]  # [common]
    a, b = pair.kind.strength(pair.a), pair.kind.strength(pair.b)  # [common, categories]
    overlaps = top_overlap_by_layer(a, b, layer_of)
    shares = dict.fromkeys(f"{round(100 * share, 1):g} %" for share in chance_overlap(a, b, layer_of))
    chance = f"; chance alone shares {' to '.join(shares)}" if shares else ""
    about = (
        f"The strongest are {100 * TOP_SHARE:g} % of a layer's neurons, at least one{chance}. Of equally strong "
        "neurons each is equally likely to be taken, independently in each run: with many of them, a run agrees only "
        "in part even with itself."
    )
    title = f"Strongest neurons in common by {pair.kind.label}, layer by layer"
    return _by_layer(pair, overlaps, ("overlap", title), about, signed=False)


def _by_layer(pair: Pair, by_layer: NDArray[np.float64], names: tuple[str, str], about: str, *, signed: bool) -> Table:
    relation, rows = pair.relation, Rows()
    layers = np.unique(relation.a.layer_of[relation.rows_a]).tolist()
    for layer, values in zip(layers, by_layer.tolist(), strict=True):
        links = [Link(f"layer == {layer}", category) for category in relation.categories]
        rows.add(layer, *(LinkedCell(number(value), link) for value, link in zip(values, links, strict=True)))
    kind: Kind = "correlation" if signed else "share"
    columns = (Column("layer", "layer", "number"), *category_columns(relation.categories, kind, "layer"))
    return rows.table(*names, columns, about=about, limit=1.0)
