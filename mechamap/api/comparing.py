"""Comparisons from Python: reports, and the closest neurons of two models where they are asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from mechamap.api.checked_run import CheckedRun
from mechamap.api.progress import following
from mechamap.errors import UsageError
from mechamap.tables.table import Report

if TYPE_CHECKING:
    from mechamap.compare.alignment.relation import CompareAs
    from mechamap.compare.closest.closest import Closest
    from mechamap.compare.closest.settings import MatchSettings
    from mechamap.compare.comparison import Comparison

__all__ = ["compared"]


def compared(
    runs: Sequence[CheckedRun],
    by: str | None,
    threshold: float | None,
    relation: CompareAs,
    *,
    match: MatchSettings | None,
    text: str | None,
    progress: bool,
) -> Report:
    """The report of a comparison.

    Args:
        runs: two or more.
        match: how to search for closest neurons; None: they are not searched for.
        text: for both models to read.
        progress: whether a bar is drawn.

    Raises:
        UsageError: one run alone; closest neurons of other than two runs, or of runs without activations or a model.
        MechaMapError: a model cannot be loaded.
    """
    from mechamap.compare.comparison import prepare
    from mechamap.compare.report import compare_runs

    if len(runs) < 2:
        raise UsageError("Only one run was given; a comparison takes two or more.", "Give another: run.compare(other).")
    comparison = prepare([run.data for run in runs], by, threshold, relation=relation)
    if match is None:
        return compare_runs(comparison)
    if len(runs) != 2:
        raise UsageError("Closest neurons are those of two runs.", "Compare two, or leave match out.")
    most = max(run.data.neurons for run in runs)
    return compare_runs(comparison, most, _closest(comparison, runs, match, text, progress))


def _closest(
    comparison: Comparison, runs: Sequence[CheckedRun], settings: MatchSettings, text: str | None, progress: bool
) -> Closest:
    from mechamap.compare.closest.both_words import Source, words_of_both
    from mechamap.compare.closest.closest import closest_of
    from mechamap.compare.closest.settings import cannot_match, usual_words

    a, b = comparison.runs
    if why := cannot_match(a, b, text_given=text is not None):
        raise UsageError(why, "Give a text for both to read: text=...")
    owners = {id(run.data): run for run in runs}
    words = usual_words(a.neurons, b.neurons) if settings.words is None else settings.words
    with following("matching", show=progress) as (tell, cancel):
        source = Source(load=lambda run: owners[id(run)].model(), listener=lambda run: tell)
        both = words_of_both(a, b, source, texts=None if text is None else [text], cancel=cancel)
        return closest_of(
            *both,
            replace(settings, words=words),
            specialised=comparison.specialised,
            on_event=tell,
            cancel=cancel,
        )
