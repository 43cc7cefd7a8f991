"""Neurons listed as the explorer's table shows them: the figures of a category, or what each reads most."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from mechamap.figures.catalogue import FIGURES
from mechamap.figures.figure import Figure, JudgedFigure
from mechamap.figures.findings import finding
from mechamap.figures.of_run import default_figure, figures_of
from mechamap.figures.strongest import strongest_category
from mechamap.figures.top_words import TopWords
from mechamap.figures.values import known_value
from mechamap.query.evaluate import chosen_rows
from mechamap.query.filters import quoted
from mechamap.runs.run import Run
from mechamap.tables.rows import Rows, number
from mechamap.tables.table import Cell, Column, Report
from mechamap.wording.amounts import quantity
from mechamap.wording.plain import printable

__all__ = ["NEURON_TABLES", "list_neurons"]


NEURON_TABLES = ("neurons",)
_WORDS = 6  # that a neuron is highest at


def list_neurons(
    run: Run,
    where: str | None = None,
    sort: str | None = None,
    category: str | None = None,
    *,
    among: NDArray[np.bool_] | None = None,
    limit: int | None = None,
) -> Report:
    """The neurons that a filter keeps, in an order.

    Args:
        where: the filter; None: all.
        sort: the columns; None: by what lists are ordered by, where a category is given.
        category: whose figures are listed; None: the category that each neuron reads most.
        among: only these are listed, ``[neurons]``.
        limit: how many rows the table has; None: all.

    Raises:
        QueryError: the filter or the sort columns make no sense.
    """
    rows = chosen_rows(run, where, sort or _usual_order(run, category), None, category)  # [neurons that are listed]
    if among is not None:
        rows = rows[among[rows]]
    title = quantity(len(rows), "neuron")
    title += f" where {printable(where.strip())}" if where and where.strip() else ""
    title += f", by {printable(category)}" if category else ""
    listing = _of_category if category else _of_best
    table = listing(run, rows[:limit], category or "").table("neurons", "Neurons", _columns(run, category or ""))
    table = replace(table, total=len(rows))
    return Report(f"{run.name}: {title}", (table,), runs=(str(run.path) if run.path is not None else run.name,))


def _usual_order(run: Run, category: str | None) -> str | None:
    figure = default_figure(run)
    return f"-{figure}.{quoted(category)}" if category and run.has(figure) else None


def _columns(run: Run, category: str) -> tuple[Column, ...]:
    """The neuron, its figures of a category or what it reads most, its own figures, and its words."""
    columns = [Column("neuron", "neuron", "neuron")]
    if category:
        columns += [Column(figure.name, figure.label, figure.written) for figure in _figures(run)]
        if run.has("p"):
            columns.append(Column("check", "check"))
    elif run.has("selectivity"):
        columns += [Column("best", "best"), Column("selectivity", "reads", "correlation")]
    columns += [Column(figure.name, figure.label, figure.written) for figure in _plain_figures(run)]
    return (*columns, Column("tokens", "highest at", "tokens"))


def _figures(run: Run) -> list[JudgedFigure]:
    return [figure for figure in figures_of(run) if figure.in_table]


def _plain_figures(run: Run) -> list[Figure]:
    return [
        figure
        for figure in FIGURES.values()
        if figure.shape == "neuron" and (figure.in_table or figure.name == "tokens") and run.has(figure.name)
    ]


def _of_category(run: Run, rows: NDArray[np.int64], category: str) -> Rows:
    listed, figures, plain = Rows(), _figures(run), _plain_figures(run)
    words = TopWords(run).of_all(rows.tolist(), most=_WORDS)
    for row, tokens in zip(rows.tolist(), words, strict=True):
        cells: list[Cell] = [number(known_value(run, figure, row, category)[0]) for figure in figures]
        if run.has("p"):
            cells.append(finding(run, row, category).verdict)
        own = [number(run.figure(figure.name)[row]) for figure in plain]
        listed.add(str(run.neuron_name(row)), *cells, *own, tokens)
    return listed


def _of_best(run: Run, rows: NDArray[np.int64], category: str) -> Rows:
    listed, plain = Rows(), _plain_figures(run)
    words = TopWords(run).of_all(rows.tolist(), most=_WORDS)
    selectivity = np.asarray(run.figure("selectivity")[rows]) if run.has("selectivity") else None
    places = strongest_category(selectivity) if selectivity is not None else np.full(len(rows), -1)  # [rows]
    for index, (row, tokens) in enumerate(zip(rows.tolist(), words, strict=True)):
        cells: list[Cell] = []
        if selectivity is not None:
            place = int(places[index])
            known = place >= 0
            cells = [printable(run.categories[place]), number(selectivity[index, place])] if known else [None, None]
        own = [number(run.figure(figure.name)[row]) for figure in plain]
        listed.add(str(run.neuron_name(row)), *cells, *own, tokens)
    return listed
