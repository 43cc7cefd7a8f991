"""The first table: which model, which figure, how many neurons count, and how the findings were checked."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from mechamap.figures.catalogue import SIGNIFICANT
from mechamap.figures.of_run import figures_of
from mechamap.interpret.judged import FigureView
from mechamap.tables.numbers import correlation, probability, share
from mechamap.tables.rows import LinkedCell, Rows
from mechamap.tables.table import Column, Table
from mechamap.wording.amounts import quantity

__all__ = ["info_table"]


def info_table(found: FigureView, even: pd.Series[float] | None) -> Table:
    """Facts, those that are numbers of neurons with the neurons behind them."""
    rows = Rows()
    for fact, value in (*_about_run(found), *_counts(found), *_findings(found, even)):
        rows.add(fact, value)
    columns = (Column("fact", "fact"), Column("value", "value"))
    return rows.table("info", "The run", columns)


def _about_run(found: FigureView) -> Iterator[tuple[str, LinkedCell]]:
    run, record = found.run, found.run.record
    model = record.model
    kind = f", {model.architecture}, {model.parameters:,} parameters" if model.parameters else ""
    yield "model", LinkedCell(f"{model.name}{kind}")
    made = "CSV" if run.is_csv else f"scan of {record.created[:16].replace('T', ' ')}" if record.created else "scan"
    yield "source", LinkedCell(f"{made}, {run.path}" if run.path is not None else made)
    done, layers = len(found.layers), len(run.layers)
    numbers = [its.layer for its in found.layers]
    span = f"{min(numbers)} to {max(numbers)}" if done > 1 else str(numbers[0])
    yield "layers", LinkedCell(f"{done} of {layers}, {span}" if done < layers else f"{done}, {span}")
    yield (
        "categories",
        LinkedCell(f"{len(found.categories)}: {', '.join(found.categories)}" if found.categories else "none"),
    )
    if positions := record.exclusions.get("summary"):
        yield "positions", LinkedCell(str(positions))
    yield "judged by", LinkedCell(found.reaches)
    others = [kind.label for kind in figures_of(run) if kind.name != found.kind.name]
    if others:
        yield "other figures", LinkedCell(", ".join(others))


def _counts(found: FigureView) -> Iterator[tuple[str, LinkedCell]]:
    link, where = found.conditions.link, found.conditions
    number = found.number
    yield "neurons", LinkedCell(len(found.values), link("layer >= 0"))
    yield "count for any category", LinkedCell(int((number > 0).sum()), link(where.of_any()))
    yield "for exactly one", LinkedCell(int((number == 1).sum()), link(where.of_one()))
    yield "for several", LinkedCell(int((number > 1).sum()), link(where.of_several()))
    yield "for none", LinkedCell(int((number == 0).sum()), link(where.of_none()))
    if found.run.has("dead"):
        dead = np.asarray(found.run.figure("dead"))[found.values.index] > 0
        yield "dead", LinkedCell(int(dead.sum()), link("dead"))


def _findings(found: FigureView, even: pd.Series[float] | None) -> Iterator[tuple[str, LinkedCell]]:
    if even is not None and even.notna().any():
        low, middle, high = (probability(float(even.quantile(q))) for q in (0.25, 0.5, 0.75))
        counting = even[found.number > 0].dropna()
        said = f"median evenness over categories {middle} (quartiles {low} and {high}; 0: one category, 1: all alike)"
        if len(counting):
            said += f"; of those that count {probability(float(counting.median()))}"
        yield "specialisation", LinkedCell(said)
    for names, times in found.combinations.first(1, found.categories):
        of_all = share(times / int(found.combinations.times.sum()))
        neurons = quantity(times, "neuron")
        yield "most often together", LinkedCell(f"{' + '.join(names)}: {neurons}, {of_all} of those for several")
    if len(found.categories) > 1 and (said := _correlation(found)):
        yield "correlation", LinkedCell(said)
    yield "checked", LinkedCell(_checked(found))


def _correlation(found: FigureView) -> str:
    """The most and the least alike pair of categories."""
    values = found.correlations.copy()
    values[np.tril_indices(len(values))] = np.nan
    if np.isnan(values).all():
        return ""
    said = []
    for name, flat in (("highest", int(np.nanargmax(values))), ("lowest", int(np.nanargmin(values)))):
        one, other = divmod(flat, len(values))
        neurons = f" ({found.pairs[one, other]:,} neurons)" if found.lists_some else ""
        said.append(
            f"{name} {found.categories[one]} with {found.categories[other]} {correlation(values[one, other])}{neurons}"
        )
    return ", ".join(dict.fromkeys(said)) if len(found.categories) > 2 else said[0].removeprefix("highest ")


def _checked(found: FigureView) -> str:
    """How the run's findings were checked."""
    record = found.run.record
    said = []
    if found.run.has("p"):
        about = record.confirmation  # a CSV has its p and does not say how
        words = f"{about.words} words in the same sentences, " if about is not None else ""
        shuffled = f"{about.permutations} times shuffled" if about is not None else "shuffled"
        said.append(f"{words}p against words {shuffled} over all neurons; confirmed: p < {SIGNIFICANT:g}")
    for look in record.second_looks:
        said.append(f"{look.dropped} of {len(look.neurons)} dropped on {look.text}")
    if found.run.has("cause_measured"):
        measured = np.isfinite(np.asarray(found.run.figure("cause_measured"))).any(axis=1)  # [neurons]
        said.append(f"effect of {int(measured.sum()):,} neurons measured by ablation")
    if found.run.is_csv and not said:
        return "not in this file; a run of the model can be confirmed (`mechamap confirm`)"
    return "; ".join(said) or "not: of so many neurons some are strong by chance (`mechamap confirm` tells which)"
