"""Which categories share neurons: neurons that count for several, and how the categories' values correlate."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from mechamap.figures.top_words import TopWords
from mechamap.interpret.judged import FigureView
from mechamap.interpret.strongest import shown_words
from mechamap.query.link import Link
from mechamap.tables.rows import LinkedCell, Rows, category_columns, first_rows, number
from mechamap.tables.table import Cell, Column, Table, Values

__all__ = ["combinations_table", "correlation_neurons_table", "correlation_table", "several_table"]


_LINKED = 1_000  # combinations; there can be as many as neurons


def several_table(view: FigureView, words: TopWords, most: int | None) -> Table:
    """A row for each neuron that counts for two categories or more: most categories first, then the strongest."""
    number = view.number[view.number >= 2]
    strength = view.strength.loc[number.index].where(view.counts.loc[number.index])  # [several, categories]
    best = strength.max(axis=1)
    order = np.lexsort((-best.to_numpy(), -number.to_numpy()))[:most]
    chosen = number.index[order]
    rows, links = _rows(view, words, strength.loc[chosen])
    columns = (
        Column("neuron", "neuron", "neuron"),
        Column("number", "number", "count"),
        Column("categories", "categories", "tokens"),
        Column("values", view.kind.label, "tokens"),
        Column("tokens", "top tokens", "tokens"),
    )
    about = (
        f"Neurons that count for two categories or more: {view.reaches}. The strongest category comes "
        "first; tokens are those where the neuron is highest, or lowest if it falls on that category."
        f"{first_rows(len(rows), len(number))}"
    )
    return Table("several", "Neurons of several categories", columns, rows, about, links, total=len(number))


def _rows(
    view: FigureView, words: TopWords, strength: pd.DataFrame
) -> tuple[tuple[tuple[Cell, ...], ...], tuple[tuple[Link, ...], ...]]:
    """Cells and links of the neurons of these rows; there may be very many."""
    kind, categories = view.kind.written, view.categories
    values = view.values.loc[strength.index].to_numpy().tolist()  # [several][categories]
    # [several][categories], those that count first; NaN, which stands for the others, is sorted last
    orders = np.argsort(-strength.to_numpy(), axis=1, kind="stable").tolist()
    counts = strength.notna().sum(axis=1).tolist()
    names = view.run.neuron_names(strength.index.to_numpy())
    best = np.array([order[0] for order in orders], np.int64)
    _, tokens = shown_words(view, words, strength.index.to_numpy(np.int64), best)
    rows: list[tuple[Cell, ...]] = []
    links: list[tuple[Link, ...]] = []
    for name, count, order, row_values, pieces in zip(names, counts, orders, values, tokens, strict=True):
        counting_categories = order[:count]
        counting = [row_values[index] for index in counting_categories]
        rows.append(
            (
                name,
                count,
                tuple([categories[index] for index in counting_categories]),
                Values(tuple([value if math.isfinite(value) else None for value in counting]), kind),
                pieces,
            )
        )
        links.append((Link(category=categories[counting_categories[0]], neuron=name),) * 5)
    return tuple(rows), tuple(links)


def combinations_table(view: FigureView, most: int | None) -> Table:
    """Which categories go together in one neuron, the most frequent sets first."""
    rows = Rows()
    for place, (names, count) in enumerate(view.combinations.first(most, view.categories)):
        where = view.conditions.of_exactly(names) if place < _LINKED else ""
        link = view.conditions.link(where, names[0])
        rows.add(names, len(names), LinkedCell(count, link))
    columns = (
        Column("categories", "categories", "tokens"),
        Column("number", "number", "number"),
        Column("neurons", "neurons", "count"),
    )
    total = len(view.combinations)
    about = (
        "Sets of two categories or more, with the neurons that count for these and for no other: "
        f"{view.reaches}.{first_rows(len(rows.cells), total)}"
    )
    return rows.table("combinations", "Categories that share neurons", columns, about=about, total=total)


def correlation_table(view: FigureView) -> Table:
    """The correlations; behind each cell are the neurons that count for both categories."""
    rows = Rows()
    for one, row in zip(view.categories, view.correlations, strict=True):
        cells = (
            LinkedCell(number(value), view.conditions.link(view.conditions.of_all((one, other)), one))
            for other, value in zip(view.categories, row, strict=True)
        )
        rows.add(one, *cells)
    columns = (Column("category", "category"), *category_columns(view.categories, "correlation", "category"))
    about = f"Pearson's r of {view.kind.label} between categories, over all neurons that have a value for both."
    if view.lists_some:
        about = (
            f"Pearson's r of {view.kind.label} between categories. A CSV lists only neurons at or above the threshold "
            "it was written with, so each is over the neurons listed under both, and says nothing about the others."
        )
    return rows.table("correlation", "Correlation between categories", columns, about=about, limit=1.0)


def correlation_neurons_table(view: FigureView) -> Table:
    """Over how many neurons each correlation is."""
    rows = Rows()
    for one, row in zip(view.categories, view.pairs.tolist(), strict=True):
        cells = (
            LinkedCell(count, view.conditions.link(_both(view, one, other), one))
            for other, count in zip(view.categories, row, strict=True)
        )
        rows.add(one, *cells)
    columns = (Column("category", "category"), *category_columns(view.categories, "count", "category"))
    about = "Neurons that have a value for both categories."
    limit = float(len(view.values)) or 1.0
    return rows.table("correlation_neurons", "Neurons behind each correlation", columns, about=about, limit=limit)


def _both(view: FigureView, one: str, other: str) -> str:
    return " and ".join(dict.fromkeys(view.conditions.valued(name) for name in (one, other)))
