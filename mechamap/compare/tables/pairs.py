"""Several runs against the first, a row each: what they have in common and how far they agree."""

from __future__ import annotations

from collections.abc import Sequence

from mechamap.compare.alignment.labels import run_labels
from mechamap.compare.alignment.pair import common_threshold, pair_of
from mechamap.compare.alignment.relation import CompareAs, relation_of
from mechamap.compare.tables.ranks import median_spearman
from mechamap.compare.tables.settings import settings_that_differ
from mechamap.errors import UsageError
from mechamap.figures.figure import JudgedFigure
from mechamap.runs.run import Run
from mechamap.tables.rows import Rows, number, threshold_text
from mechamap.tables.table import Cell, Column, Table
from mechamap.wording.advice import COMPARE

__all__ = ["pairs_table"]


_COLUMNS = (
    Column("model", "model"),
    Column("relation", "against the first"),
    Column("neurons", "neurons in common", "count"),
    Column("kept", "kept", "count"),
    Column("appeared", "appeared", "count"),
    Column("vanished", "vanished", "count"),
    Column("jaccard", "in common", "share"),
    Column("spearman", "rank agreement", "correlation"),
    Column("settings", "settings that differ"),
)


def pairs_table(
    runs: Sequence[Run], kind: JudgedFigure, threshold: float | None, compare_as: CompareAs = "auto"
) -> Table:
    """Each run but the first against the first; counts over all categories, where the neurons are the same."""
    names = run_labels(runs)
    rows = Rows()
    used = []
    for run, name in zip(runs[1:], names[1:], strict=True):
        common = common_threshold(runs[0], run, kind) if threshold is None else threshold
        cells = _against(runs[0], run, kind, common, compare_as)
        rows.add(name, *cells)
        if cells[1] is not None:
            used.append(threshold_text(kind, common))
    counted = " or ".join(dict.fromkeys(used))
    if len({*used}) > 1:
        counted += ", the larger of the two runs' thresholds"
    about = f"Against {names[0]}, over all categories{f': {counted}' if counted else ''}. "
    about += (
        f"Rank agreement: the median over categories of Spearman's correlation over neurons. {COMPARE} of any "
        "two of them says more."
    )
    return rows.table("pairs", "Every run against the first", _COLUMNS, about=about)


def _against(first: Run, run: Run, kind: JudgedFigure, threshold: float, compare_as: CompareAs) -> list[Cell]:
    try:
        relation = relation_of(first, run, compare_as)
    except UsageError as nothing:
        return [nothing.message, None, None, None, None, None, None, ""]
    settings = ", ".join(setting.name for setting in settings_that_differ(first, run, same=relation.same))
    if not relation.same:
        return ["other model", None, None, None, None, None, None, settings]
    pair = pair_of(relation, kind, threshold)
    kept, appeared, vanished = (int(mask.sum()) for mask in (pair.in_a & pair.in_b, pair.appeared, pair.vanished))
    union = kept + appeared + vanished
    return [
        "same neurons",
        len(relation.rows_a),
        kept,
        appeared,
        vanished,
        kept / union if union else None,
        number(median_spearman(pair.a, pair.b)),
        settings,
    ]
