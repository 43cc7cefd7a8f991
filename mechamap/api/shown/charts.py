"""Charts of a neuron by matplotlib, where it is installed."""

from __future__ import annotations

from typing import Any

import numpy as np

from mechamap.errors import MissingExtra
from mechamap.figures.histogram_bins import EDGES
from mechamap.figures.of_run import default_figure, judged_figure
from mechamap.figures.values import known_value
from mechamap.runs.run import Run
from mechamap.wording.plain import printable

__all__ = ["neuron_chart"]


_PLAIN, _CHOSEN = "#8a8a8a", "#c44e52"


def neuron_chart(run: Run, row: int, category: str | None) -> Any:
    """Bars of a neuron's selectivity for each category; with a histogram beside them where the run has one.

    Raises:
        MissingExtra: matplotlib is not installed.
        UsageError: the run has no such category.
    """
    try:
        from matplotlib import pyplot
    except ImportError:
        raise MissingExtra("Charts need matplotlib.", "pip install matplotlib") from None
    if category is not None:
        run.category_index(category)
    figure = judged_figure(run, "selectivity" if run.has("selectivity") else default_figure(run))
    values = [known_value(run, figure, row, name)[0] for name in run.categories]
    has_histogram = run.has("histogram")
    size = (5 + 4 * has_histogram, max(3.2, 0.6 + 0.3 * len(values)))  # inches
    _, axes = pyplot.subplots(1, 1 + has_histogram, squeeze=False, figsize=size, layout="constrained")
    bars = axes[0, 0]
    colours = [_CHOSEN if name == category else _PLAIN for name in run.categories]
    bars.barh(range(len(values)), values, color=colours)
    # Names are not formulas, whatever dollar signs they have.
    bars.set_yticks(range(len(values)), [printable(name) for name in run.categories], parse_math=False)
    bars.invert_yaxis()
    bars.axvline(figure.centre, color="black", linewidth=0.5)
    bars.set_xlabel(figure.label)
    bars.set_title(printable(f"{run.neuron_name(row)} of {run.label}"), parse_math=False)
    if has_histogram:
        _histogram(axes[0, 1], np.asarray(run.figure("histogram")[row]))
    return axes[0] if has_histogram else bars


def _histogram(axes: Any, counts: np.ndarray[Any, Any]) -> None:
    """Counts of the bins that are occupied, on a logarithmic axis."""
    occupied = np.flatnonzero(counts)
    shown = slice(occupied[0], occupied[-1] + 1) if len(occupied) else slice(0, 0)
    edges = np.clip(EDGES, -1e3, 1e3)
    axes.bar(range(len(counts[shown])), counts[shown], width=1.0, color=_PLAIN)
    places = list(range(0, len(counts[shown]), max(len(counts[shown]) // 4, 1)))
    axes.set_xticks(places, [f"{edges[shown.start + place]:.2g}" for place in places])
    axes.set_yscale("log")
    axes.set_xlabel("activation, lower end of the bin")
    axes.set_ylabel("positions")
