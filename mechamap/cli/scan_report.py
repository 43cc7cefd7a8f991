"""The result of a scan: in a few lines, and exported."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from mechamap.cli.narration import Narration, write_binary
from mechamap.exports.registry import ExportRequest, export_run, write_export
from mechamap.figures.catalogue import FEW_OCCURRENCES, judged_figures
from mechamap.figures.figure import JudgedFigure
from mechamap.figures.findings import finding
from mechamap.figures.of_run import default_figure
from mechamap.figures.second_text import natural_look, reliability, reliability_text
from mechamap.figures.top_words import TopWords
from mechamap.figures.values import category_values, falling
from mechamap.runs.corpus.words import corpus_in_short, corpus_progress
from mechamap.runs.record import RunRecord
from mechamap.runs.run import Run
from mechamap.tables.numbers import number_writer, probability, small_probability
from mechamap.wording.amounts import duration, quantity
from mechamap.wording.plain import printable

__all__ = ["coverage_lines", "export_as", "remark_lines", "report", "second_text_lines", "strongest_lines"]


_NEURONS = 3  # shown for each category
_TOKENS = 6
_MISSING = 8  # words not found, by name


def report(run: Run, narration: Narration) -> None:
    """What was left out, which words were not found, the strongest neurons, and how long it took."""
    record = run.record
    if record.corpus is not None:
        narration.say(f"corpus: {corpus_in_short(record.corpus)}, {corpus_progress(record.corpus)}")
    narration.say(f"positions: {record.exclusions.summary if record.exclusions else 'unknown'}")
    for line in coverage_lines(run, _MISSING):
        narration.say(line)
    for line in remark_lines(record):
        narration.say(line)
    narration.say()
    for line in strongest_lines(run):
        narration.say(line)
    narration.say()
    for line in second_text_lines(run):
        narration.say(line)
    took = record.timings.get("total")
    seconds = f" in {duration(took)}" if took else ""
    narration.say(f"{run.neurons:,} neurons of {printable(run.label)} scored{seconds}, kept in {run.path}")


def export_as(format: str, run: Run, target: Path | None, narration: Narration, *, overwrite: bool) -> None:
    """Export a whole run to a file, or to standard output where None is named, and say so."""
    if target is None:
        done = write_binary(lambda stream: write_export(run, stream, ExportRequest(format)))
    else:
        done = export_run(run, target, ExportRequest(format), overwrite=overwrite)
    narration.say(f"{format.upper()}: {done.rows:,} rows, {done.scope}, to {done.path or 'standard output'}")


def remark_lines(record: RunRecord) -> Iterator[str]:
    """What is to be known of a run, and which figures it cannot have."""
    if record.model.adapter:
        yield f"with the adapter {printable(record.model.adapter)}, merged into the weights"
    if record.model.attention:
        yield f"computed with {printable(record.model.attention)}"
    for problem in record.problems:
        yield f"note: {printable(problem)}"
    for figure, reason in record.undefined.items():
        yield f"{figure} is empty: {printable(reason)}"


def coverage_lines(run: Run, most: int | None = None) -> list[str]:
    """For each category, how many of its words were found, and which were not (at most ``most`` by name)."""
    lines = []
    text = "text" if run.record.corpus is None else "corpus"
    width = max((len(category) for category in run.categories), default=0)
    for category in run.categories:
        coverage = run.record.coverage.get(category)
        if not coverage:
            continue
        missing = coverage.not_found
        known = len(coverage.found) + len(missing)
        line = f"{printable(category):{width}}  {coverage.occurrences:>4} times, {len(coverage.found)} of {known} words"
        if missing:
            line += f"; not in the {text}: {', '.join(map(printable, missing[:most]))}"
            line += f" and {len(missing[most:])} more" if most is not None and missing[most:] else ""
        if coverage.anywhere:
            words = quantity(len(coverage.anywhere), "word")
            line += f"; {words} found inside longer words too, as the script has no spaces"
        if coverage.dropped:
            line += f"; {coverage.dropped} at excluded positions"
        lines.append(line)
    return lines


def strongest_lines(run: Run) -> list[str]:
    """The best neurons of each category, by the figure that lists are ordered by, with the tokens they go to."""
    lines = []
    figure = judged_figures()[default_figure(run)]
    values, down = category_values(run, figure.name), falling(run)  # [neurons, categories]
    words = TopWords(run)
    width = max((len(category) for category in run.categories), default=0)
    for index, category in enumerate(run.categories):
        strength = figure.strength(values[:, index])  # [neurons]
        best = np.argsort(-strength, kind="stable")[:_NEURONS]  # NaN comes last
        shown = [int(row) for row in best if not np.isnan(strength[row])]
        for place, row in enumerate(shown):
            falls = down is not None and bool(down[row, index])
            head = printable(category) if place == 0 else ""
            tokens = " · ".join(map(printable, words.of(row, lowest=falls, most=_TOKENS)))
            lines.append(
                f"{head:{width}}  {run.neuron_name(row)!s:<12} {_figures(run, figure, row, category)}  "
                f"{_check(run, row, category)}{_tokens_of_expert(run, row)}{'(falls) ' if falls else ''}{tokens}"
            )
        if not shown:
            is_scored = bool(np.isfinite(run.column(figure.name, category)).any())
            why = (
                f"fewer than {FEW_OCCURRENCES} of its words were routed to any expert: scan a longer text"
                if is_scored
                else f"no occurrence in the {'text' if run.record.corpus is None else 'corpus'}, nothing to score"
            )
            lines.append(f"{printable(category):{width}}  {why}")
    return lines


def second_text_lines(run: Run) -> Iterator[str]:
    """How many of each category's first neurons read it in the natural text too, and what that text lacks."""
    look = natural_look(run)
    if look is None:
        return
    if look.reason:
        yield f"second text: {printable(look.reason)}"
        return
    took = f" in {duration(look.seconds)}" if look.seconds else ""
    yield f"second text: {look.tokens:,} tokens of prose read{took}; ✗: the reading does not hold there"
    width = max(len(category) for category in run.categories)
    for category in run.categories:
        counts = reliability(run, category)
        about = look.categories.get(category)
        if counts is not None:
            yield f"{printable(category):{width}}  {reliability_text(counts)}"
        elif about is not None and not about.words:
            yield f"{printable(category):{width}}  none of its words occur there"
        else:
            yield f"{printable(category):{width}}  its words occur too rarely there to say"


def _figures(run: Run, figure: JudgedFigure, row: int, category: str) -> str:
    """What the neuron stands in the list for, and how it reads the category: ``ap  .62 reads  +.97``."""
    kinds = dict.fromkeys((figure, judged_figures()["selectivity"]))
    return " ".join(f"{kind.label} {_written(run, kind, row, category)}" for kind in kinds if run.has(kind.name))


def _written(run: Run, kind: JudgedFigure, row: int, category: str) -> str:
    value = number_writer(kind.written)(float(run.column(kind.name, category)[row]))
    return value.rjust(len("+1.00") if kind.two_sided else len("1.00"))


def _check(run: Run, row: int, category: str) -> str:
    """The neuron's p, its AUROC against hard controls and what came of them; empty where nothing was confirmed."""
    result = finding(run, row, category)
    sign = "✗ " if result.badge == "dropped" else ""
    if math.isnan(result.p):
        return sign
    if not run.has("hard_auroc"):
        return f"{sign}p {small_probability(result.p)} held {result.held_out_auroc:.2f}  "
    hard = f"{sign}p {small_probability(result.p_matched):>5} hard {probability(result.hard_auroc):>4}"
    return f"{hard} {result.verdict.removeprefix('not confirmed: '):<14}  "


def _tokens_of_expert(run: Run, row: int) -> str:
    """Over how many tokens an expert's neuron was scored: a few that happen to fit give a high score."""
    if run.expert_of[row] < 0 or not run.has("tokens"):
        return ""
    return f"over {run.figure('tokens')[row]:>6,.0f} tokens  "
