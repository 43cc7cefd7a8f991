"""A neuron's figures as charts: a bar for each category, and how its activations are spread."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from mechamap.figures.figure import JudgedFigure
from mechamap.figures.histogram_bins import EDGES
from mechamap.figures.of_run import default_figure, judged_figure
from mechamap.figures.values import known_value
from mechamap.page.activations import kept_activations
from mechamap.page.content import Bars, Histogram
from mechamap.runs.run import Run
from mechamap.tables.numbers import number_writer

__all__ = ["activation_histogram", "category_bars", "shown_figure"]


_MOST = 24  # categories
_BINS = 40
_CLOSED = ("correlation", "probability", "p")  # ways of writing of which the largest distance from the centre is known


def shown_figure(run: Run) -> JudgedFigure:
    """The figure that bars show: selectivity, which says on which side a neuron is."""
    return judged_figure(run, "selectivity" if run.has("selectivity") else default_figure(run))


def category_bars(run: Run, row: int, category: str) -> Bars | None:
    """The figure for each category, of very many the strongest; None where the run knows none.

    Args:
        category: that the page is about.
    """
    figure = shown_figure(run)
    known = [(known_value(run, figure, row, name)[0], name) for name in run.categories]
    bars = [(value, name) for value, name in known if math.isfinite(value)]
    if not bars:
        return None
    if len(bars) > _MOST:
        strongest = sorted(bars, key=lambda bar: -abs(bar[0] - figure.centre))[:_MOST]
        bars = [bar for bar in bars if bar in strongest]
    write = number_writer(figure.written)
    reach = max(abs(value - figure.centre) for value, _ in bars) or 1.0
    if figure.written in _CLOSED:
        reach = max(reach, 1.0 - figure.centre, figure.centre)
    names = tuple(name for _, name in bars)
    return Bars(
        f"{figure.label}, by category",
        names,
        tuple((value, write(value)) for value, _ in bars),
        tuple(_two_errors(run, figure, row, name) for name in names),
        figure.centre,
        reach,
        names.index(category) if category in names else -1,
    )


def _two_errors(run: Run, figure: JudgedFigure, row: int, category: str) -> float | None:
    if not figure.error or not run.has(figure.error):
        return None
    error = 2 * figure.error_factor * float(run.column(figure.error, category)[row])
    return error if math.isfinite(error) else None


def activation_histogram(run: Run, row: int, category: str) -> Histogram | None:
    """How activations are spread: over a corpus all of them, over a text those at the category's words beside others.

    None where the run keeps neither.
    """
    if run.has("histogram"):
        return _of_corpus(np.asarray(run.figure("histogram")[row], np.float64))
    values = kept_activations(run, row)
    if values is None:
        return None
    own = {last for number, _, _, last in run.record.occurrences if run.categories[number] == category}
    inside = {
        position
        for number, _, first, last in run.record.occurrences
        if run.categories[number] == category
        for position in range(first, last + 1)
    }
    at_words = values[sorted(own)]
    at_others = np.delete(values, sorted(inside))
    at_words, at_others = at_words[np.isfinite(at_words)], at_others[np.isfinite(at_others)]
    if not len(at_words) or not len(at_others):
        return None
    ends = float(min(at_words.min(), at_others.min())), float(max(at_words.max(), at_others.max()))
    if ends[0] == ends[1]:
        return None
    edges = np.linspace(*ends, _BINS + 1)
    series = tuple(
        (name, _shares(np.histogram(part, edges)[0]))
        for name, part in ((f"at words of {category}", at_words), ("at other positions", at_others))
    )
    return Histogram("Activations, as shares of positions", tuple(edges.tolist()), series)


def _of_corpus(counts: NDArray[np.float64]) -> Histogram | None:
    occupied = np.flatnonzero(counts)
    if not len(occupied):
        return None
    shown = slice(int(occupied[0]), int(occupied[-1]) + 1)
    edges = tuple(float(edge) for edge in EDGES[shown.start : shown.stop + 1])
    series = (("all positions", _shares(counts[shown])),)
    return Histogram("Activations over the corpus, as shares of positions", edges, series, logarithmic=True)


def _shares(counts: NDArray[np.number]) -> tuple[float, ...]:
    return tuple((counts / counts.sum()).tolist())
