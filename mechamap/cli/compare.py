"""``mechamap compare``: two runs of the same neurons, two different models, or several runs in one table."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from mechamap.cli.compare_options import MOST_JSON, CompareOptions, add_compare_flags, compare_options
from mechamap.cli.loading import opened
from mechamap.cli.narration import Narration
from mechamap.cli.parser import Commands
from mechamap.cli.report_options import ReportOptions, ReportTables
from mechamap.cli.report_output import write_report
from mechamap.errors import RunError, UsageError
from mechamap.wording.advice import Advice, Hint

if TYPE_CHECKING:
    from mechamap.runs.run import Run
    from mechamap.tables.table import Report

__all__ = ["add_to"]


_DESCRIPTION = """Two runs of the same neurons (checkpoints, a fine-tuned model and its base, two number formats, two
texts): what stayed, appeared and vanished, the largest changes, rank agreement by layer. Two different models: the best
neurons, how deep each category lies, and for each neuron its closest one in the other model. Three runs and more: one
table over all. Differences in how the runs were made come first. docs/compare.md explains how each is worked out."""

_WHOLE = (
    "settings",
    "categories",
    "figures",
    "overview",
    "depth",
    "profiles",
    "specialised",
    "matches_summary",
    "universal_categories",
    "pairs",
)
_LONG = ("changes", "appeared", "vanished", "matches")
_HIDDEN = ("overlap", "differences")
_BY_LAYER = {"layers": 0, "match_layers": 1}  # hidden where there are many; 1: so are its columns
_MANY_LAYERS = 12
_MOST = 1_000  # rows of the longest tables, where not all are wanted


def add_to(commands: Commands) -> None:
    """Declare the command."""
    parser = commands.add_parser("compare", help="what differs between runs, or models", description=_DESCRIPTION)
    add_compare_flags(parser)
    parser.set_defaults(run=run, parser=parser)


def run(args: argparse.Namespace, narration: Narration) -> int:
    """Open, compare, look for closest neurons where that is wanted, write."""
    return _compare(compare_options(args), narration)


def _compare(options: CompareOptions, narration: Narration) -> int:
    runs = [_opened(options, place, narration) for place in range(len(options.runs))]
    from mechamap.compare.comparison import prepare
    from mechamap.compare.report import compare_runs

    comparison = prepare(
        runs, options.by, options.threshold, relation=options.relation, differences=options.differences
    )
    closest, code, remark = None, 0, ""
    if len(runs) == 2 and not options.closest.never:
        from mechamap.cli.compare_models import closest_or_why

        closest, remark = closest_or_why(comparison, options, narration)
        code = int(options.closest.asked and closest is None)
    report = compare_runs(comparison, _most(runs, options.report), closest)
    if remark:
        report = replace(report, remarks=(*report.remarks, remark))
    # The table differences has a row for every neuron.
    on_request = () if report.table("differences") else ("differences",)
    tables = ReportTables(_known(report), _shown(report), whole=_WHOLE, on_request=on_request)
    try:
        write_report(report, options.report, tables, narration)
    except UsageError as error:
        if not (code and options.closest.tables):
            raise
        raise UsageError(error.message, remark) from None  # the table is there where closest neurons are found
    return code


def _most(runs: Sequence[Run], options: ReportOptions) -> int:
    """How many rows the longest tables get: no more than are wanted, as they take seconds in a large model."""
    if options.limit is None and options.format == "json":
        return MOST_JSON
    keys = options.chosen(ReportTables(options.tables or (), single="categories"))
    if options.rows is None and (keys is None or {*keys} & {*_LONG}):
        return max(run.neurons * max(len(run.categories), 1) for run in runs)
    return max(_MOST, options.rows or 0)


def _opened(options: CompareOptions, place: int, narration: Narration) -> Run:
    """A run, or a CSV; of one with several models that of --model-a or --model-b."""
    try:
        return opened(options.runs[place], narration, options.csv_models[place])
    except RunError as error:
        if not isinstance(error.hint, Advice) or not error.hint.names("model"):
            raise
        hint: Hint = "Split it into one file per model."
        if place < 2:
            hint = error.hint.with_key("model", f"model_{'ab'[place]}")
        raise RunError(error.message, hint) from None  # commands about one run have one --model


def _shown(report: Report) -> Sequence[str]:
    """The tables that are shown by default: not those that are long in a model of many layers."""
    shown = []
    for table in report.tables:
        if table.key in _BY_LAYER:
            wide = len(table.columns) if _BY_LAYER[table.key] else 0
            if len(table.rows) > _MANY_LAYERS or wide > _MANY_LAYERS + 1:
                continue
        if table.key not in _HIDDEN:
            shown.append(table.key)
    return shown


def _known(report: Report) -> Sequence[str]:
    """Every table that these runs can have."""
    keys = [table.key for table in report.tables]
    return keys if report.table("figures") is None or "differences" in keys else [*keys, "differences"]
