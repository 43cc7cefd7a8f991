"""Tables with a row for each category: how many neurons, how strong, on which side, how deep."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from mechamap.figures.catalogue import SIGNIFICANT
from mechamap.figures.figure import JudgedFigure
from mechamap.figures.findings import confirmed
from mechamap.figures.of_run import figures_of
from mechamap.interpret.judged import FigureView, figure_view
from mechamap.runs.run import Run
from mechamap.tables.rows import LinkedCell, Rows, number
from mechamap.tables.table import Column, Table

__all__ = ["categories_table", "sign_figure", "signs_table"]


def categories_table(found: FigureView) -> Table:
    """How many neurons count for each category, the best of them, and where they lie."""
    rows = Rows()
    checked = _checked(found)
    for category in found.categories:
        counts, link = found.counts[category], found.conditions.link
        where = found.conditions.counting(category)
        count = int(counts.sum())
        cells: list[LinkedCell] = [
            LinkedCell(count, link(where, category)),
            LinkedCell(number(counts.mean()), link(where, category)),
        ]
        if found.kind.two_sided:
            rising, falling = found.conditions.rising(category), found.conditions.falling(category)
            cells += [
                LinkedCell(int(found.rises[category].sum()), link(rising, category)),
                LinkedCell(int(found.falls[category].sum()), link(falling, category)),
            ]
        if checked is not None:
            good = int((checked[category] & counts).sum())
            cells.append(LinkedCell(good, link(found.conditions.confirmed(category), category)))
        cells += _best(found, category)
        layers = found.layer[counts]
        cells += [
            LinkedCell(number(layers.median())),
            LinkedCell(number(layers.quantile(0.75) - layers.quantile(0.25))),
        ]
        rows.add(category, *cells)
    columns = [Column("category", "category"), Column("neurons", "neurons", "count"), Column("share", "share", "share")]
    if found.kind.two_sided:
        columns += [Column("positive", "up", "count"), Column("negative", "down", "count")]
    if checked is not None:
        columns.append(Column("confirmed", "confirmed", "count"))
    columns += [
        Column("best", "best", "neuron"),
        Column("value", found.kind.label, found.kind.written),
        Column("median_layer", "median layer", "number"),
        Column("spread", "IQR", "number"),
    ]
    about = f"Neurons that count: {found.reaches}. IQR: layers between their quartiles."
    if checked is not None:
        about += f" Confirmed: of these, p < {SIGNIFICANT:g}{'' if found.of_writing else ' for reading'}."
    return rows.table("categories", "Neurons of each category", tuple(columns), about=about)


def signs_table(found: FigureView) -> Table:
    """How many neurons go up on a category and how many down; by selectivity where the figure has one side."""
    if not found.kind.two_sided:
        found = figure_view(found.run, sign_figure(found.run, found.kind), None)
    rows = Rows()
    for category in found.categories:
        link, where = found.conditions.link, found.conditions
        values = found.values[category].dropna()
        above, below = values[values > found.kind.centre], values[values < found.kind.centre]
        rows.add(
            category,
            LinkedCell(len(values), link(where.valued(category), category)),
            LinkedCell(int(found.rises[category].sum()), link(where.rising(category), category)),
            LinkedCell(int(found.falls[category].sum()), link(where.falling(category), category)),
            number(len(above) / len(values)) if len(values) else None,
            number(values.median()),
            number(above.median()),
            number(below.median()),
        )
    kind = found.kind.written
    columns = (
        Column("category", "category"),
        Column("scored", "scored", "count"),
        Column("positive", "up", "count"),
        Column("negative", "down", "count"),
        Column("positive_share", "share above", "share"),
        Column("median", "median", kind),
        Column("median_positive", "median above", kind),
        Column("median_negative", "median below", kind),
    )
    about = (
        f"Up and down: {found.reaches}. Share above: of all scored neurons, those above {found.kind.centre:g}; "
        "the medians are of all, of those above and of those below it."
    )
    return rows.table("signs", f"Up and down: {found.kind.label} on both sides", columns, about=about)


def sign_figure(run: Run, kind: JudgedFigure) -> str | None:
    """The figure that says which way neurons go: this one where it has two sides, else selectivity if there is any."""
    if kind.two_sided:
        return kind.name
    return "selectivity" if any(its.name == "selectivity" for its in figures_of(run)) else None


def _best(found: FigureView, category: str) -> Iterator[LinkedCell]:
    """The strongest neuron and its value, whether or not it counts."""
    row = found.best(category)
    if row is None:
        yield from (LinkedCell(None), LinkedCell(None))
        return
    link = found.neuron(row, category)
    yield LinkedCell(found.name(row), link)
    yield LinkedCell(number(found.value(row, category)), link)


def _checked(found: FigureView) -> pd.DataFrame | None:
    """Which neurons are confirmed for which categories, ``[neurons, categories]``; None: not tried, or counted by."""
    run = found.run
    figure = "write_p" if found.of_writing else "p"
    if found.kind.name == figure or not any(kind.name == figure for kind in figures_of(run)):
        return None
    if figure == "write_p":
        low = {name: run.column("write_p", name)[found.values.index] < SIGNIFICANT for name in found.categories}
    else:
        low = {name: confirmed(run, name)[found.values.index] for name in found.categories}
    return pd.DataFrame(low, found.values.index)
