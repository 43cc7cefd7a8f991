"""Remarks that qualify the numbers of an interpretation."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import numpy as np

from mechamap.figures.catalogue import FEW_OCCURRENCES
from mechamap.figures.csv_gaps import listed_from
from mechamap.figures.of_run import figures_of
from mechamap.figures.values import left_out
from mechamap.interpret.judged import FigureView
from mechamap.wording.advice import BY_READS

__all__ = ["remarks"]


def remarks(view: FigureView, requested: float | None) -> tuple[str, ...]:
    """A sentence each.

    Args:
        requested: the threshold that the user gave, if any.
    """
    return (*_about_run(view), *_about_csv(view, requested), *_about_counts(view))


def _about_run(view: FigureView) -> Iterator[str]:
    run, record = view.run, view.run.record
    done, layers = len(view.layers), len(run.layers)
    if done < layers:
        yield f"{done} of {layers} layers are complete (scan {record.state}); all numbers are about these."
    for figure, reason in record.undefined.items():
        yield f"{figure} is not defined: {reason.removesuffix('.')}."
    if not view.categories:
        yield f"{run.name} has no categories, so no neuron can count for any."
    empty = [name for name in view.categories if not view.values[name].notna().any()]
    if empty:
        yield f"No neuron has a value of {view.kind.label} for {', '.join(empty)}."
    if view.kind.compares:
        words = {name: record.coverage[name].occurrences for name in view.categories if name in record.coverage}
        if rare := [f"{name} ({times})" for name, times in words.items() if 0 < times < FEW_OCCURRENCES]:
            yield (
                f"The text has fewer than {FEW_OCCURRENCES} words of {', '.join(rare)}: for these, neurons reach any "
                f"value of {view.kind.label} by chance."
            )
    if remark := left_out(run, view.kind, view.values.index.to_numpy()):
        yield remark


def _about_csv(view: FigureView, requested: float | None) -> Iterator[str]:
    if view.run.is_csv:
        yield from view.run.record.problems
    if not view.lists_some:
        return
    listed = view.kind.threshold(view.run)
    if requested is not None and requested < listed:
        yield (
            f"The CSV lists no mean below {listed:g}: neurons between {requested:g} and {listed:g} are missing, so "
            "counts are too low."
        )
    threshold = max(view.threshold, listed)
    if (least := listed_from(view.values.to_numpy(), threshold)) is not None:
        yield (
            f"The smallest mean that the CSV lists is {least:.4g}, so it was probably written with a threshold above "
            f"{threshold:g}: then neurons from there to {least:.4g} are missing, and counts are too low."
        )
    yield (
        "A CSV lists means at or above the threshold it was written with, and no other figure: it says nothing "
        "about neurons that fall on a category, or about dead ones."
    )


def _about_counts(view: FigureView) -> Iterator[str]:
    if infinite := int(np.isinf(view.values.to_numpy()).sum()):
        values, they = ("1 value", "is") if infinite == 1 else (f"{infinite:,} values", "are")
        yield (
            f"{values} of {view.kind.label} {they} infinite: judged by their sign, shown as missing, and left out of "
            "correlations and evenness."
        )
    best = {name: row for name in view.categories if (row := view.best(name)) is not None}
    if not best:
        return
    uncounted = [name for name in best if not view.counts[name].any()]
    if len(uncounted) == len(best):
        name = max(best, key=lambda name: _strength(view, best[name], name))
        strongest = f"{view.name(best[name])} with {view.value(best[name], name):.3g} for {name}"
        yield f"No neuron counts ({view.reaches}): the strongest is {strongest}."
    elif uncounted:
        yield f"No neuron counts for {', '.join(uncounted)}."
    row, times = Counter(best.values()).most_common(1)[0]
    if times > 2 and times > len(best) / 2:
        advice = f", so try {BY_READS}" if view.kind.name == "mean" and _has_reads(view) else ""
        yield (
            f"{view.name(row)} is the strongest for {times} of {len(best)} categories: {view.kind.label} favours "
            f"neurons that are always on over those that are about a category{advice}."
        )


def _has_reads(view: FigureView) -> bool:
    return any(kind.name == "selectivity" for kind in figures_of(view.run))


def _strength(view: FigureView, row: int, category: str) -> float:
    return float(view.kind.strength(np.array([view.value(row, category)], np.float32))[0])
