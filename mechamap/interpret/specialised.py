"""How specialised neurons are: the evenness of their strengths over the categories.

With s(c) a neuron's strength for category c and p(c) = s(c) / sum of s, the Shannon entropy H = -sum of p ln p (Shannon
1948, "A mathematical theory of communication") over its largest possible value ln C is Pielou's evenness (Pielou 1966,
"The measurement of diversity in different types of biological collections"): 0 where all strength is in one category,
1 where it is the same in all.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mechamap.figures.top_words import TopWords
from mechamap.interpret.judged import FigureView
from mechamap.interpret.strongest import shown_words
from mechamap.query.link import Link
from mechamap.tables.rows import LinkedCell, Rows, first_rows, number
from mechamap.tables.table import Cell, Column, Table

__all__ = ["evenness", "neuron_evenness", "specialisation_table", "specialists_table"]


_AT_ONCE = 131_072  # neurons
_FORMULA = (
    "Evenness: Shannon's entropy of the strengths over the categories, divided by its largest possible value; 0: all "
    "in one category, 1: the same in all."
)


def evenness(strengths: NDArray[np.float64]) -> NDArray[np.float64]:
    """Entropy over ln of the number of categories that have a strength, ``[neurons, categories]`` -> ``[neurons]``.

    NaN where fewer than two categories have one (NaN has none, 0 has), or all are 0.
    """
    has_strength = ~np.isnan(strengths)
    filled = np.where(has_strength, strengths, 0.0)  # [neurons, categories]
    with np.errstate(invalid="ignore", divide="ignore"):
        p = filled / filled.sum(axis=1, keepdims=True)
        entropy = -(p * np.log(np.where(p > 0, p, 1.0))).sum(axis=1)  # [neurons]
        ratio: NDArray[np.float64] = entropy / np.log(has_strength.sum(axis=1))
    ratio[has_strength.sum(axis=1) < 2] = np.nan
    return np.maximum(ratio, 0.0) + 0.0  # rounding may leave less than nothing, and one category -0.0


def neuron_evenness(view: FigureView) -> pd.Series[float]:
    """Each neuron's, ``[neurons]``; what a CSV does not list counts as 0, and what lies below a one-sided centre."""
    values = view.values.to_numpy()
    evenness_of_neurons = np.empty(len(values))
    for first in range(0, len(values), _AT_ONCE):
        with np.errstate(invalid="ignore"):  # infinite values of odd runs
            distance = values[first : first + _AT_ONCE].astype(np.float64) - view.kind.centre
        strengths = np.abs(distance) if view.kind.two_sided else np.where(distance < 0, 0.0, distance)
        if view.lists_some:
            strengths[np.isnan(strengths)] = 0.0
        evenness_of_neurons[first : first + _AT_ONCE] = evenness(strengths)
    return pd.Series(evenness_of_neurons, view.values.index)


def specialisation_table(view: FigureView, even: pd.Series[float]) -> Table:
    """For each layer the quartiles of the neurons' evenness, and how many count for one category, several, none."""
    numbers = [layer.layer for layer in view.layers]
    quartiles = even.groupby(view.layer).quantile(np.array([0.25, 0.5, 0.75])).unstack().reindex(numbers)  # [layers, 3]
    link, where = view.conditions.link, view.conditions
    wheres = (where.of_one(), where.of_several(), where.of_none())
    one, several = (view.number == 1).groupby(view.layer).sum(), (view.number > 1).groupby(view.layer).sum()
    rows = Rows()
    for layer, layer_quartiles in zip(view.layers, quartiles.to_numpy().tolist(), strict=True):
        counts = [int(one.get(layer.layer, 0)), int(several.get(layer.layer, 0))]
        counts.append(layer.width - sum(counts))
        rows.add(
            layer.layer,
            *map(number, layer_quartiles),
            *(LinkedCell(n, link(text, layer=layer.layer)) for n, text in zip(counts, wheres, strict=True)),
            number(counts[0] / layer.width) if layer.width else None,
        )
    columns = (
        Column("layer", "layer", "number"),
        Column("lower_quartile", "lower quartile", "probability"),
        Column("median", "median evenness", "probability"),
        Column("upper_quartile", "upper quartile", "probability"),
        Column("one", "in one category", "count"),
        Column("several", "in several", "count"),
        Column("none", "in none", "count"),
        Column("one_share", "share in one", "share"),
    )
    about = f"{_FORMULA} {_strengths(view)} In a category: {view.reaches}."
    return rows.table("specialisation", "How specialised the neurons are, layer by layer", columns, about=about)


def specialists_table(view: FigureView, even: pd.Series[float], words: TopWords, most: int | None) -> Table:
    """Of the neurons that count for any category, the most specialised first; of equal ones, the stronger."""
    counting = even[view.number > 0].dropna()
    strength = view.strength.loc[counting.index].fillna(-np.inf).to_numpy()  # [counting, categories]
    best = strength.argmax(axis=1)
    order = np.lexsort((-strength.max(axis=1), counting.to_numpy()))[:most]
    kept = counting.index[order]
    chosen, categories = best[order], view.categories
    directions, tokens = shown_words(view, words, kept.to_numpy(np.int64), chosen)
    values = view.values.loc[kept].to_numpy()[np.arange(len(kept)), chosen].tolist()
    directed = view.run.has("bottom_positions")
    rows: list[tuple[Cell, ...]] = []
    links: list[tuple[Link | None, ...]] = []
    evens = counting.to_numpy()[order].tolist()
    for name, neuron_value, index, value, falls, pieces in zip(
        view.run.neuron_names(kept.to_numpy()), evens, chosen.tolist(), values, directions, tokens, strict=True
    ):
        direction = ("falls" if falls else "rises",) if directed else ()
        rows.append((name, neuron_value, categories[index], value, *direction, pieces))
        links.append((Link(category=categories[index], neuron=name),) * len(rows[-1]))
    columns = (
        Column("neuron", "neuron", "neuron"),
        Column("evenness", "evenness", "probability"),
        Column("category", "strongest for"),
        Column("value", view.kind.label, view.kind.written),
        *((Column("direction", "goes"),) if directed else ()),
        Column("tokens", "top tokens", "tokens"),
    )
    total, which = len(counting), "Of the neurons that count for any category, those with the least evenness."
    about = f"{which} {_FORMULA} {_strengths(view)}{first_rows(len(rows), total)}"
    title = "Most specialised neurons"
    return Table("specialists", title, columns, tuple(rows), about, tuple(links), total=total)


def _strengths(view: FigureView) -> str:
    label, centre = view.kind.label, view.kind.centre
    if view.kind.two_sided:
        return f"Strength: |{label}|." if not centre else f"Strength: |{label} - {centre:g}|."
    if view.kind.directed:
        return f"Strength: the value of {label}."
    less = f"{label} - {centre:g}" if centre else label
    unlisted = " and those that the CSV does not list" if view.lists_some else ""
    return f"Strength: {less}; values below 0{unlisted} count as 0."
