"""The page about a run: what was found in the text, what was left out, what was proved, how long it took."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from mechamap.runs.corpus.words import corpus_facts
from mechamap.runs.coverage import Coverage
from mechamap.runs.foreign_code import foreign_code
from mechamap.runs.layout import layers_in_words
from mechamap.runs.run import Run
from mechamap.system.plain_values import to_plain_values
from mechamap_tui.data.layer_counts import flag_words
from mechamap_tui.dialogs.run_info_checks import check_lines, part_lines, verdict_lines

__all__ = ["info_lines"]


def info_lines(run: Run, width: int = 100) -> Iterator[tuple[str, str]]:
    """A page about a run, line by line: ("title" | "text" | "trouble", line); tables fit ``width``."""
    record = run.record
    model = record.model
    yield "title", "Run"
    yield "text", f"  {run.path or run.name} ({record.source}), {record.state}"
    yield "text", f"  begun {record.created or '?'}, finished {record.finished or 'not yet'}"
    complete = len(run.complete_layers)
    yield "text", f"  {complete} of {len(run.layers)} layers complete, {run.neurons:,} neurons"
    yield "text", f"  neurons by layer: {layers_in_words(run.layers)}"
    yield "title", "Model"
    yield "text", f"  {model.id or model.name} {model.revision or ''}".rstrip()
    yield "text", f"  {model.architecture}, {model.parameters:,} parameters, {model.dtype} on {model.device}"
    if model.packing:
        yield "text", f"  weights in {model.packing}"
    if model.adapter:
        yield "text", f"  with the adapter {model.adapter}"
    if code := foreign_code(record):
        yield "trouble", f"  code: {code}"
    if model.attention:
        yield "text", f"  {model.attention}"
    yield from verdict_lines(record)
    mentioned = {
        rows.layer for rows in run.layers if any(f"ayer {rows.layer}:" in problem for problem in record.problems)
    }
    troubles = [
        *record.problems,
        *(
            f"layer {rows.layer} {flag_words(run, rows)}"
            for rows in run.layers
            if rows.flags and rows.layer not in mentioned
        ),
    ]
    yield "title", "Problems"
    for trouble in troubles:
        yield "trouble", f"  {trouble}"
    if not troubles:
        yield "text", "  none"
    yield from check_lines(record)
    if record.corpus is not None:
        yield "title", "Corpus"
        seq_len = record.config.corpus.seq_len if record.config is not None and record.config.corpus else None
        for name, fact in corpus_facts(record.corpus, seq_len):
            yield "text", f"  {name}: {fact}"
    if record.coverage:
        yield "title", "Words in the text" if record.corpus is None else "Words in the corpus"
        for category, report in record.coverage.items():
            yield from _coverage(category, report)
    yield from _mapping("Left out of the scores", to_plain_values(record.exclusions))
    yield from _mapping("Seconds", record.timings)
    yield from _mapping("Versions", record.versions)
    yield from part_lines(record, width)


def _coverage(category: str, report: Coverage) -> Iterator[tuple[str, str]]:
    words = []
    for word, matches in report.found.items():
        times = f" ×{matches.count}" if matches.count != 1 else ""
        words.append(word + times + (f" ({matches.tokens} tokens)" if matches.tokens != 1 else ""))
    yield "text", f"  {category}: {report.occurrences} occurrences. {', '.join(words)}"
    if report.not_found:
        yield "trouble", f"    words not found: {', '.join(report.not_found)}"
    if report.anywhere:
        yield "text", f"    found inside longer words too, as the script has no spaces: {', '.join(report.anywhere)}"
    if report.dropped:
        yield "trouble", f"    found but not scored: {report.dropped}"


def _mapping(title: str, values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if values:
        yield "title", title
        for key, value in values.items():
            yield "text", f"  {key.replace('_', ' ')}: {_shown(value)}"


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, (list, tuple)):
        return "/".join(map(_shown, value))
    return str(value)
