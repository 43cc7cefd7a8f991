"""The first table: which model, which figure, how many neurons count, and how the findings were checked."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from mechamap.figures.findings import confirmed_means
from mechamap.figures.of_run import figures_of
from mechamap.figures.second_text import reliability
from mechamap.interpret.judged import FigureView
from mechamap.runs.run import Run
from mechamap.tables.numbers import correlation, probability, share
from mechamap.tables.rows import LinkedCell, Rows
from mechamap.tables.table import Column, Table
from mechamap.wording.advice import CONFIRM_ANY
from mechamap.wording.amounts import quantity

__all__ = ["info_table"]


def info_table(view: FigureView, even: pd.Series[float] | None) -> Table:
    """Facts, those that are numbers of neurons with the neurons behind them."""
    rows = Rows()
    for fact, value in (*_about_run(view), *_counts(view), *_findings(view, even)):
        rows.add(fact, value)
    columns = (Column("fact", "fact"), Column("value", "value"))
    return rows.table("info", "The run", columns)


def _about_run(view: FigureView) -> Iterator[tuple[str, LinkedCell]]:
    run, record = view.run, view.run.record
    model = record.model
    kind = f", {model.architecture}, {model.parameters:,} parameters" if model.parameters else ""
    yield "model", LinkedCell(f"{model.name}{kind}")
    yield "source", LinkedCell(_source(run))
    done, layers = len(view.layers), len(run.layers)
    numbers = [layer.layer for layer in view.layers]
    span = f"{min(numbers)} to {max(numbers)}" if done > 1 else str(numbers[0])
    yield "layers", LinkedCell(f"{done} of {layers}, {span}" if done < layers else f"{done}, {span}")
    yield (
        "categories",
        LinkedCell(f"{len(view.categories)}: {', '.join(view.categories)}" if view.categories else "none"),
    )
    if record.exclusions and record.exclusions.summary:
        yield "positions", LinkedCell(record.exclusions.summary)
    yield "judged by", LinkedCell(view.reaches)
    others = [kind.label for kind in figures_of(run) if kind.name != view.kind.name]
    if others:
        yield "other figures", LinkedCell(", ".join(others))


def _source(run: Run) -> str:
    """How and when a run was made, and where it lies."""
    origin = "CSV" if run.is_csv else "scan"
    if not run.is_csv and run.record.created:
        origin += f" of {run.record.created[:16].replace('T', ' ')}"
    return f"{origin}, {run.path}" if run.path is not None else origin


def _counts(view: FigureView) -> Iterator[tuple[str, LinkedCell]]:
    link, where = view.conditions.link, view.conditions
    number = view.number
    yield "neurons", LinkedCell(len(view.values), link("layer >= 0"))
    yield "count for any category", LinkedCell(int((number > 0).sum()), link(where.of_any()))
    yield "for exactly one", LinkedCell(int((number == 1).sum()), link(where.of_one()))
    yield "for several", LinkedCell(int((number > 1).sum()), link(where.of_several()))
    yield "for none", LinkedCell(int((number == 0).sum()), link(where.of_none()))
    if view.run.has("dead"):
        dead = np.asarray(view.run.figure("dead"))[view.values.index] > 0
        yield "dead", LinkedCell(int(dead.sum()), link("dead"))


def _findings(view: FigureView, even: pd.Series[float] | None) -> Iterator[tuple[str, LinkedCell]]:
    if even is not None and even.notna().any():
        low, middle, high = (probability(float(even.quantile(q))) for q in (0.25, 0.5, 0.75))
        counting = even[view.number > 0].dropna()
        text = f"median evenness over categories {middle} (quartiles {low} and {high}; 0: one category, 1: all alike)"
        if len(counting):
            text += f"; of those that count {probability(float(counting.median()))}"
        yield "specialisation", LinkedCell(text)
    for names, times in view.combinations.first(1, view.categories):
        of_all = share(times / int(view.combinations.times.sum()))
        neurons = quantity(times, "neuron")
        yield "most often together", LinkedCell(f"{' + '.join(names)}: {neurons}, {of_all} of those for several")
    if len(view.categories) > 1 and (text := _correlation(view)):
        yield "correlation", LinkedCell(text)
    counts = {name: reliability(view.run, name) for name in view.categories}
    held = [f"{name} {each.held} of {each.listed}" for name, each in counts.items() if each is not None]
    if held:
        yield "first neurons that read it in a second text too", LinkedCell(", ".join(held))
    others = [f"{name} {each.others}" for name, each in counts.items() if each is not None and each.others is not None]
    if others:
        yield "of these, words that chose nothing", LinkedCell(", ".join(others))
    yield "checked", LinkedCell(_checked(view))


def _correlation(view: FigureView) -> str:
    """The most and the least alike pair of categories."""
    values = view.correlations.copy()
    values[np.tril_indices(len(values))] = np.nan
    if np.isnan(values).all():
        return ""
    parts = []
    for name, flat in (("highest", int(np.nanargmax(values))), ("lowest", int(np.nanargmin(values)))):
        one, other = divmod(flat, len(values))
        neurons = f" ({view.pairs[one, other]:,} neurons)" if view.lists_some else ""
        parts.append(
            f"{name} {view.categories[one]} with {view.categories[other]} {correlation(values[one, other])}{neurons}"
        )
    return ", ".join(dict.fromkeys(parts)) if len(view.categories) > 2 else parts[0].removeprefix("highest ")


def _checked(view: FigureView) -> str:
    """How the run's findings were checked."""
    record = view.run.record
    parts = []
    if view.run.has("p"):
        about = record.confirmation  # a CSV has its p and does not say how
        words = f"{about.words} words in the same sentences, " if about is not None else ""
        shuffled = f"{about.permutations} times shuffled" if about is not None else "shuffled"
        parts.append(f"{words}p against words {shuffled} over all neurons; confirmed: {confirmed_means(about)}")
    for look in record.second_looks:
        if look.reason:
            parts.append(f"no second text: {look.reason.rstrip('.')}")
        else:
            parts.append(f"{look.dropped} of {look.candidates} dropped on {look.text}")
    if view.run.has("cause_measured"):
        measured = np.isfinite(np.asarray(view.run.figure("cause_measured"))).any(axis=1)  # [neurons]
        parts.append(f"effect of {int(measured.sum()):,} neurons measured by ablation")
    if view.run.is_csv and not parts:
        return f"not in this file; a run of the model can be confirmed ({CONFIRM_ANY})"
    return "; ".join(parts) or f"no: among so many neurons, some are strong by chance ({CONFIRM_ANY} tells which)"
