"""How alike categories are to the neurons: Pearson's correlation of their values over neurons."""

from __future__ import annotations

from mechamap.interpret.judged import Judged
from mechamap.tables.figure_columns import category_columns
from mechamap.tables.rows import Behind, Rows, number
from mechamap.tables.table import Column, Table

__all__ = ["correlation_neurons_table", "correlation_table"]


def correlation_table(found: Judged) -> Table:
    """The correlations; the neurons behind one are those that count for both."""
    rows = Rows()
    for one, its in zip(found.categories, found.correlations, strict=True):
        cells = (
            Behind(number(value), found.conditions.link(found.conditions.of_all((one, other)), one))
            for other, value in zip(found.categories, its, strict=True)
        )
        rows.add(one, *cells)
    columns = (Column("category", "category"), *category_columns(found.categories, "correlation", "category"))
    about = f"Pearson's r of {found.kind.label} between categories, over all neurons that have a value for both."
    if found.lists_some:
        about = (
            f"Pearson's r of {found.kind.label} between categories. A CSV lists only neurons at or above the threshold "
            "it was written with, so each is over the neurons listed under both, and says nothing about the others."
        )
    return rows.table("correlation", "Correlation between categories", columns, about=about, limit=1.0)


def correlation_neurons_table(found: Judged) -> Table:
    """Over how many neurons each correlation is."""
    rows = Rows()
    for one, its in zip(found.categories, found.pairs.tolist(), strict=True):
        cells = (
            Behind(count, found.conditions.link(_both(found, one, other), one))
            for other, count in zip(found.categories, its, strict=True)
        )
        rows.add(one, *cells)
    columns = (Column("category", "category"), *category_columns(found.categories, "count", "category"))
    about = "Neurons that have a value for both categories."
    limit = float(len(found.values)) or 1.0
    return rows.table("correlation_neurons", "Neurons behind each correlation", columns, about=about, limit=limit)


def _both(found: Judged, one: str, other: str) -> str:
    return " and ".join(dict.fromkeys(found.conditions.valued(name) for name in (one, other)))
