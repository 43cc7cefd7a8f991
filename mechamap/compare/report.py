"""The report about two or more runs; which tables it has depends on what the runs have in common."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from mechamap.compare.alignment.pair import Pair, pair_of, usual_threshold
from mechamap.compare.alignment.relation import Relation
from mechamap.compare.closest.closest import Closest
from mechamap.compare.comparison import Comparison
from mechamap.compare.tables.agreement import figures_table, layers_table, overlap_table, sizes_of
from mechamap.compare.tables.differences import (
    appeared_table,
    categories_table,
    changes_table,
    differences_table,
    vanished_table,
)
from mechamap.compare.tables.matches import match_layers_table, matches_table, summary_table, universal_categories_table
from mechamap.compare.tables.overview import overview_table, overview_tables
from mechamap.compare.tables.pairs import pairs_table
from mechamap.compare.tables.profiles import Profiled, depth_table, profiled, profiles_table
from mechamap.compare.tables.settings import settings_table
from mechamap.compare.tables.specialised import specialised_table
from mechamap.figures.catalogue import figure_names
from mechamap.figures.csv_gaps import known_from
from mechamap.figures.figure import JudgedFigure
from mechamap.figures.of_run import figures_of
from mechamap.figures.values import left_out
from mechamap.runs.run import Run
from mechamap.tables.table import Report, Table
from mechamap.wording.advice import AS_DIFFERENT
from mechamap.wording.amounts import quantity

__all__ = ["LIMIT", "compare_runs"]


LIMIT = 1_000  # neurons listed in a table
_HARDLY = 0.2  # a rank correlation below which two runs hardly agree


def compare_runs(comparison: Comparison, limit: int = LIMIT, closest: Closest | None = None) -> Report:
    """Compare two runs, or several with the first; no model is needed.

    Of two runs of the same neurons the report has the tables ``categories`` (what stayed, appeared, vanished),
    ``changes``, ``appeared``, ``vanished``, ``layers`` and ``overlap`` (agreement by layer) and ``figures``; of two
    different models ``overview``, ``depth`` and ``profiles``; of more runs ``overview``, ``overview_matrix`` and
    ``pairs``. With ``closest``, which takes activations, two runs also have ``matches_summary``, ``matches``,
    ``match_layers``, ``specialised`` and, of different models, ``universal_categories``.

    Args:
        comparison: see :func:`mechamap.compare.comparison.prepare`.
        limit: the most rows of ``changes`` and ``matches``; ten times as many of ``appeared`` and ``vanished``.
        closest: what :func:`mechamap.compare.closest.closest.closest_of` found for these two runs.

    Raises:
        RunError: a run's files are damaged.
    """
    relation, figure, threshold = comparison.relation, comparison.figure, comparison.threshold
    if relation is None:
        return _of_several(comparison)
    if not relation.same:
        return _of_different(relation, figure, threshold, limit, closest)
    report = _of_same(relation, figure, threshold, limit, closest)
    if comparison.differences == "none":
        return report
    table = differences_table(pair_of(relation, figure, threshold), all_figures=comparison.differences == "all")
    return replace(report, tables=(*report.tables, table))


def _of_same(
    relation: Relation, kind: JudgedFigure, threshold: float | None, limit: int, closest: Closest | None
) -> Report:
    a, b = relation.a, relation.b
    sizes = [*sizes_of(relation)]
    remarks = [*relation.remarks, *_few_occurrences((a, b), kind), *_one_sided(a, b), *_listed_from((a, b), kind)]
    tables = [settings_table(a, b, same=True)]
    if all(size.equal for size in sizes):
        remarks.insert(0, "The runs do not differ: every figure that both have is the same for every neuron.")
    if relation.categories:
        pair = pair_of(relation, kind, threshold)
        agreement = layers_table(pair)
        remarks += _agreement_remarks(pair, agreement)
        tables += [
            categories_table(pair),
            changes_table(pair, limit),
            appeared_table(pair, 10 * limit),
            vanished_table(pair, 10 * limit),
            agreement,
            overlap_table(pair),
        ]
    tables.append(figures_table(relation, sizes))
    if closest is not None:
        sides = _profiled(a, b, kind, threshold)
        tables += [
            summary_table(closest, (relation.rows_a, relation.rows_b)),
            matches_table(closest, sides, limit),
            match_layers_table(closest),
            *_specialised(closest),
        ]
    title = f"A {a.name}, B {b.name}: {quantity(len(relation.rows_a), 'neuron')}, the same in both"
    return Report(title, tuple(tables), tuple(remarks), _places((a, b)), tables[1].key)


def _one_sided(a: Run, b: Run) -> list[str]:
    """Figures that only one of the runs has."""
    remarks = []
    for letter, run, other in (("A", a, b), ("B", b, a)):
        of_other = {kind.name for kind in figures_of(other)}
        only = [kind.label for kind in figures_of(run) if kind.name not in of_other]
        only += [name for name in figure_names("neuron", made_by="scan") if run.has(name) and not other.has(name)]
        if only:
            remarks.append(f"Only {letter} has {', '.join(only)}: not compared.")
    return remarks


def _agreement_remarks(pair: Pair, by_layer: Table) -> list[str]:
    """What the counts do not show, and whether these can be the same neurons at all."""
    less = [
        f"{run.name} lists only means of {known_from(run):g} or more: which other neurons reach {pair.threshold:g} is "
        "not known, so neurons that it does not list count neither as appeared nor as vanished."
        for run in (pair.relation.a, pair.relation.b)
        if pair.lists_less(run)
    ]
    remarks = [*less]
    if pair.estimated:
        remarks.append(
            f"{quantity(pair.estimated, 'effect')} of a neuron on a category "
            f"{'was' if pair.estimated == 1 else 'were'} measured in one run only: for these, the estimates of "
            "both are compared."
        )
    if pair.unknown and not less:
        remarks.append(
            f"In {quantity(pair.unknown, 'case')} a neuron counts in one run but has no value in the other: these are "
            "not counted as kept, appeared or vanished."
        )
    agreements = [cell for row in by_layer.rows for cell in row[1:] if isinstance(cell, float)]
    middle = float(np.median(agreements)) if agreements else 1.0
    if middle < _HARDLY:
        remarks.append(
            f"The ranks hardly agree (median Spearman {middle:+.2f} within layers): two models of the same shape "
            f"that were trained separately share no neurons. `{AS_DIFFERENT}` compares them as different models."
        )
    return remarks


def _of_different(
    relation: Relation, kind: JudgedFigure, threshold: float | None, limit: int, closest: Closest | None
) -> Report:
    a, b = relation.a, relation.b
    sides, categories = _profiled(a, b, kind, threshold), relation.categories
    tables = [overview_table((a, b), ("A", "B"), by=kind, threshold=threshold)]
    if closest is not None:
        tables += [summary_table(closest), *_specialised(closest)]
    if categories:
        tables += [depth_table(sides, categories), profiles_table(sides, categories)]
    if closest is not None:
        tables += [matches_table(closest, sides, limit), match_layers_table(closest)]
        if categories:
            tables.insert(-1, universal_categories_table(closest, sides, categories))
    tables.append(settings_table(a, b, same=False))
    title = f"A {a.name} ({a.label}), B {b.name} ({b.label}): different models"
    remarks = (*relation.remarks, *_few_occurrences((a, b), kind), *_listed_from((a, b), kind))
    return Report(title, tuple(tables), remarks, _places((a, b)), "overview")


def _specialised(closest: Closest) -> list[Table]:
    return [specialised_table(closest.shares)] if closest.shares is not None else []


def _profiled(a: Run, b: Run, kind: JudgedFigure, threshold: float | None) -> tuple[Profiled, Profiled]:
    thresholds = [usual_threshold(run, kind) if threshold is None else threshold for run in (a, b)]
    return profiled(a, 0, kind, thresholds[0]), profiled(b, 1, kind, thresholds[1])


def _of_several(comparison: Comparison) -> Report:
    runs, kind, threshold = comparison.runs, comparison.figure, comparison.threshold
    tables = (*overview_tables(runs, kind, threshold), pairs_table(runs, kind, threshold, comparison.compare_as))
    remarks = (*_few_occurrences(runs, kind), *_listed_from(runs, kind))
    return Report(f"{len(runs)} runs", tables, remarks, _places(runs), "overview")


def _few_occurrences(runs: Sequence[Run], kind: JudgedFigure) -> tuple[str, ...]:
    remarks = ((run, left_out(run, kind)) for run in runs)
    return tuple(f"{run.name}: {remark}" for run, remark in remarks if remark)


def _listed_from(runs: Sequence[Run], kind: JudgedFigure) -> Iterator[str]:
    """What the smallest mean of a CSV suggests about the threshold that it was written with."""
    if kind.name != "mean":
        return
    for run in runs:
        least, usual = known_from(run), kind.threshold(run)
        if least > usual:
            yield (
                f"The smallest mean that {run.name} lists is {least:g}, so it was probably written with a threshold "
                f"above {usual:g}: which other neurons have means from {usual:g} to {least:g} is not known."
            )


def _places(runs: Sequence[Run]) -> tuple[str, ...]:
    """Where the runs are stored, for links to lead to."""
    return tuple(str(run.path) if run.path is not None else run.name for run in runs)
