"""The strongest neurons of each category, with how they were checked and the words they go to."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mechamap.figures.catalogue import SIGNIFICANT
from mechamap.figures.findings import Finding, finding
from mechamap.figures.of_run import figures_of
from mechamap.figures.top_words import TopWords
from mechamap.interpret.judged import FigureView
from mechamap.tables.rows import LinkedCell, Rows, number
from mechamap.tables.table import Cell, Column, Table
from mechamap.wording.advice import CONFIRM

__all__ = ["shown_words", "top_table"]


_WORDS = 6
_YES_NO = {True: "yes", False: "no"}


def shown_words(
    view: FigureView, words: TopWords, rows: NDArray[np.int64], categories: NDArray[np.int64]
) -> tuple[list[bool], list[tuple[str, ...]]]:
    """For neurons with a category each, by its number: whether they fall on it, and the words they go to, ``[rows]``.

    Of a neuron that falls, the words are those where it is lowest.
    """
    run = view.run
    down = np.zeros(len(rows), np.bool_)
    if run.has("bottom_positions"):
        if view.kind.of_reading:
            places = view.values.index.get_indexer(pd.Index(rows))  # the values' rows are those of complete layers
            down = view.values.to_numpy()[places, categories] < view.kind.centre
        elif run.has("selectivity"):
            down = np.asarray(run.figure("selectivity"))[rows, categories] < 0
    high, low = rows[~down].tolist(), rows[down].tolist()
    of_high, of_low = iter(words.of_all(high, most=_WORDS)), iter(words.of_all(low, lowest=True, most=_WORDS))
    falls = [bool(falling) for falling in down.tolist()]
    return falls, [next(of_low) if falling else next(of_high) for falling in falls]


def top_table(view: FigureView, top: int, words: TopWords) -> Table:
    """``top`` neurons of each category, whether or not they count."""
    run = view.run
    checks = _checks(view)
    directed, routed = run.has("bottom_positions"), run.has("tokens")
    signed = view.kind.directed and run.has("selectivity")
    rows = Rows()
    for index, category in enumerate(view.categories):
        best = view.strongest(category, top)
        shown = zip(best.tolist(), *shown_words(view, words, best, np.full(len(best), index)), strict=True)
        for rank, (row, falls, tokens) in enumerate(shown, start=1):
            checked = finding(run, row, category)
            cells: list[Cell] = [category, rank, view.name(row), number(view.value(row, category))]
            if signed:
                cells.append(number(checked.reads))
            cells += [check(checked) for _, check in checks]
            if routed:
                tokens_seen = run.figure("tokens")[row]
                cells.append(int(tokens_seen) if np.isfinite(tokens_seen) else None)  # a CSV may leave it open
            if directed:
                cells.append("falls" if falls else "rises")
            rows.add(*(LinkedCell(cell, view.neuron(row, category)) for cell in (*cells, tokens)))
    columns = (
        Column("category", "category"),
        Column("rank", "#", "number"),
        Column("neuron", "neuron", "neuron"),
        Column("value", view.kind.label, view.kind.written),
        *((Column("reads", "reads", "correlation"),) if signed else ()),
        *(column for column, _ in checks),
        *((Column("routed", "over tokens", "count"),) if routed else ()),
        *((Column("direction", "goes"),) if directed else ()),
        Column("tokens", "top tokens", "tokens"),
    )
    about = "Tokens: where the neuron is highest" + (", or lowest if it falls on the category." if directed else ".")
    if view.kind.name == "mean":
        about += " A large mean may be that of a neuron that is always on, whatever the category."
    elif not checks:
        about += f" Unconfirmed: among so many neurons, some are this strong by chance ({CONFIRM})."
    return rows.table("top", "Strongest neurons of each category", columns, about=about)


def _checks(view: FigureView) -> list[tuple[Column, Callable[[Finding], Cell]]]:
    """Columns that say how a finding was checked; none where it was not."""
    have = {kind.name for kind in figures_of(view.run)} - {view.kind.name}
    p = Column("p", "p", "p")
    sure = Column("confirmed", "confirmed")
    checks: list[tuple[Column, Callable[[Finding], Cell]]] = []
    if view.of_writing:
        if view.run.has("write_p"):
            checks.append((sure, lambda checked: _YES_NO[checked.write_p < SIGNIFICANT]))
        return [(p, lambda checked: number(checked.write_p)), *checks] if "write_p" in have else checks
    if "held_out_auroc" in have:
        checks.append((Column("held", "held", "probability"), lambda checked: number(checked.held_out_auroc)))
    if "p" in have:
        checks.append((p, lambda checked: number(checked.p)))
    if "hard_auroc" in have:
        checks.append((Column("hard", "hard", "probability"), lambda checked: number(checked.hard_auroc)))
    if view.run.has("explained"):
        checks.append((Column("explained", "explained by"), lambda checked: checked.explained))
    if view.run.has("p"):
        checks.append((sure, lambda checked: "dropped" if checked.badge == "dropped" else _YES_NO[checked.confirmed]))
    return checks
