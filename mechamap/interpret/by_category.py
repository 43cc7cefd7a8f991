"""Tables with a row for each category: how many neurons, how strong, on which side, how deep."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from mechamap.figures.catalogue import SIGNIFICANT
from mechamap.figures.figure import JudgedFigure
from mechamap.figures.findings import confirmed, confirmed_means
from mechamap.figures.of_run import figures_of
from mechamap.interpret.judged import FigureView, figure_view
from mechamap.runs.run import Run
from mechamap.tables.rows import LinkedCell, Rows, number
from mechamap.tables.table import Column, Table

__all__ = ["categories_table", "sign_figure", "signs_table"]


def categories_table(view: FigureView) -> Table:
    """How many neurons count for each category, the best of them, and where they lie."""
    rows = Rows()
    checked = _checked(view)
    for category in view.categories:
        counts, link = view.counts[category], view.conditions.link
        where = view.conditions.counting(category)
        count = int(counts.sum())
        cells: list[LinkedCell] = [
            LinkedCell(count, link(where, category)),
            LinkedCell(number(counts.mean()), link(where, category)),
        ]
        if view.has_sides:
            rising, falling = view.conditions.rising(category), view.conditions.falling(category)
            cells += [
                LinkedCell(int(view.rises[category].sum()), link(rising, category)),
                LinkedCell(int(view.falls[category].sum()), link(falling, category)),
            ]
        if checked is not None:
            good = int((checked[category] & counts).sum())
            cells.append(LinkedCell(good, link(view.conditions.confirmed(category), category)))
        cells += _best(view, category)
        layers = view.layer[counts]
        cells += [
            LinkedCell(number(layers.median())),
            LinkedCell(number(layers.quantile(0.75) - layers.quantile(0.25))),
        ]
        rows.add(category, *cells)
    columns = [Column("category", "category"), Column("neurons", "neurons", "count"), Column("share", "share", "share")]
    if view.has_sides:
        columns += [Column("positive", "up", "count"), Column("negative", "down", "count")]
    if checked is not None:
        columns.append(Column("confirmed", "confirmed", "count"))
    columns += [
        Column("best", "best", "neuron"),
        Column("value", view.kind.label, view.kind.written),
        Column("median_layer", "median layer", "number"),
        Column("spread", "IQR", "number"),
    ]
    about = f"Neurons that count: {view.reaches}. IQR: the interquartile range of their layers."
    if checked is not None:
        means = f"p < {SIGNIFICANT:g}" if view.of_writing else confirmed_means(view.run.record.confirmation)
        about += f" Confirmed: of these, {means}{'' if view.of_writing else ' for reading'}."
    return rows.table("categories", "Neurons of each category", tuple(columns), about=about)


def signs_table(view: FigureView) -> Table:
    """How many neurons go up on a category and how many down; by selectivity where the figure has one side."""
    if not view.kind.two_sided:
        view = figure_view(view.run, sign_figure(view.run, view.kind), None)
    rows = Rows()
    for category in view.categories:
        link, where = view.conditions.link, view.conditions
        values = view.values[category].dropna()
        above, below = values[values > view.kind.centre], values[values < view.kind.centre]
        rows.add(
            category,
            LinkedCell(len(values), link(where.valued(category), category)),
            LinkedCell(int(view.rises[category].sum()), link(where.rising(category), category)),
            LinkedCell(int(view.falls[category].sum()), link(where.falling(category), category)),
            number(len(above) / len(values)) if len(values) else None,
            number(values.median()),
            number(above.median()),
            number(below.median()),
        )
    kind = view.kind.written
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
        f"Up and down: {view.reaches}. Share above: of all scored neurons, those above {view.kind.centre:g}; "
        "the medians are of all, of those above and of those below it."
    )
    return rows.table("signs", f"Up and down: {view.kind.label} on both sides", columns, about=about)


def sign_figure(run: Run, kind: JudgedFigure) -> str | None:
    """The figure that says which way neurons go: this one where it has two sides, else selectivity if there is any."""
    if kind.two_sided:
        return kind.name
    return "selectivity" if any(figure.name == "selectivity" for figure in figures_of(run)) else None


def _best(view: FigureView, category: str) -> Iterator[LinkedCell]:
    """The strongest neuron and its value, whether or not it counts."""
    row = view.best(category)
    if row is None:
        yield from (LinkedCell(None), LinkedCell(None))
        return
    link = view.neuron(row, category)
    yield LinkedCell(view.name(row), link)
    yield LinkedCell(number(view.value(row, category)), link)


def _checked(view: FigureView) -> pd.DataFrame | None:
    """Which neurons are confirmed for which categories, ``[neurons, categories]``; None: not tried, or counted by."""
    run = view.run
    figure = "write_p" if view.of_writing else "p"
    if view.kind.name == figure or not any(kind.name == figure for kind in figures_of(run)):
        return None
    if figure == "write_p":
        low = {name: run.column("write_p", name)[view.values.index] < SIGNIFICANT for name in view.categories}
    else:
        low = {name: confirmed(run, name)[view.values.index] for name in view.categories}
    return pd.DataFrame(low, view.values.index)
