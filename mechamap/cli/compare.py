"""``mechamap compare``: two runs of the same neurons, two different models, or several runs in one table."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from mechamap.cli.loading import opened
from mechamap.cli.narration import Narration
from mechamap.cli.parser import Commands
from mechamap.cli.report_output import (
    add_judging_flags,
    add_report_flags,
    check_report_flags,
    chosen_tables,
    put_report,
    report_format,
    rows_wanted,
)
from mechamap.compare.closest.settings import LEAST_WORDS
from mechamap.config.choices import BASELINES
from mechamap.errors import RunError, UsageError

if TYPE_CHECKING:
    from mechamap.runs.run import Run
    from mechamap.tables.table import Report

__all__ = ["add_to"]


_DESCRIPTION = """Two runs of the same neurons (checkpoints, a fine-tuned model and its base, two number formats, two
texts): what stayed, appeared and vanished, the largest changes, rank agreement by layer. Two different models: the best
neurons, how deep each category lies, and for each neuron its closest one in the other model. Three runs and more: one
table over all. What differs in how the runs were made is said first. docs/compare.md says how each is worked out."""

_WHOLE = ("settings", "categories", "figures", "overview", "depth", "profiles", "specialised", "matches_summary",
          "universal_categories", "pairs")  # fmt: skip
_OF_MATCHING = ("matches_summary", "matches", "match_layers", "universal_categories", "specialised")
_LONG = ("changes", "appeared", "vanished", "matches")
_HIDDEN = ("overlap", "differences")
_BY_LAYER = {"layers": 0, "match_layers": 1}  # hidden where there are many; 1: so are its columns
_MANY_LAYERS = 12
_MOST = 1_000  # rows of the longest tables, where not all are wanted
_MOST_JSON = 10_000  # where nothing is said; all that differ are millions in a large model


def add_to(commands: Commands) -> None:
    """Declare the command."""
    parser = commands.add_parser("compare", help="what differs between runs, or models", description=_DESCRIPTION)
    add = parser.add_argument
    add("runs", metavar="RUN|CSV", nargs="+", help="two or more: a run's name or folder, or a CSV; the first is A")
    add_judging_flags(parser, "compare by it", default="reads, of CSVs mean")
    add("--as", dest="relation", choices=("auto", "same", "different"), default="auto",
        help="compare neurons by name, or as different models (default: as architecture and layers tell)")  # fmt: skip
    add("--all-figures", action="store_true", help="also the table differences, with every neuron, of every figure; "
        "`--table differences` alone has the one of --by")  # fmt: skip
    _add_matching_flags(parser)
    add_report_flags(parser, rows=f"for CSV all, in JSON {_MOST_JSON:,} of changes and matches and {10 * _MOST_JSON:,} "
        "of appeared and vanished")  # fmt: skip
    parser.set_defaults(run=run, parser=parser)


def _add_matching_flags(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("closest neurons")
    add = group.add_argument
    add("--match", action="store_true", help="find each neuron's closest one in the other model, running both again "
        "where they did not keep activations; each flag from --text to --device asks for it too (default: where "
        "they did, and the models are different)")  # fmt: skip
    add("--no-match", action="store_true", help="do not look for them")
    add("--text", metavar="F", help="run both models over this file, - for standard input (default: the runs' text, "
        "where they differ that of A)")  # fmt: skip
    add("--words", metavar="N", type=int, help="compare over so many of the text's words; 0: all (default: what "
        "takes some ten seconds on two cores, at least 200)")  # fmt: skip
    add("--baseline", choices=BASELINES, help="what correlations must exceed: each layer's neurons "
        "mixed at random, the words in another order, or none (rotation)")  # fmt: skip
    add("--draws", metavar="N", type=int, help="how many times the baseline is drawn (1)")
    add("--seed", metavar="N", type=int, help="of the baseline (0)")
    add("--both-ways", action="store_true", help="also what the neurons of B exceed, which takes as long again "
        "(with the words in another order it comes by itself)")  # fmt: skip
    add("--signed", action="store_true", help="a neuron that falls where the other rises is not close")
    add("--model-a", metavar="MODEL", help="the model of A, where it lies elsewhere now; of a CSV with several models "
        "the one to read")  # fmt: skip
    add("--model-b", metavar="MODEL", help="the model of B, likewise")
    add("--device", metavar="D", help="auto, cpu, cuda, cuda:1 or mps (default: as the runs had it)")


def run(args: argparse.Namespace, narration: Narration) -> int:
    """Open, compare, look for closest neurons where that is wanted, write."""
    check_report_flags(args)
    _check(args)
    runs = [_opened(name, at, args, narration) for at, name in enumerate(args.runs)]
    from mechamap.compare.alignment.relation import relation_of
    from mechamap.compare.report import compare_runs

    differences = bool(args.table) and "differences" in args.table
    compared = partial(compare_runs, runs, args.by, args.threshold, relation=args.relation)
    every = {"differences": differences, "all_figures": args.all_figures}
    closest, code, remark = None, 0, ""
    if len(runs) == 2 and not args.no_match:
        from mechamap.cli.compare_models import closest_or_why

        asked = bool(_asks_for_matching(args) or {*(args.table or ())} & {*_OF_MATCHING})
        different = all(its.complete_layers for its in runs) and not relation_of(runs[0], runs[1], args.relation).same
        # What cannot be compared is refused before; where that is certain, tables are kept short and thrown away.
        check = partial(compared, limit=1, **(every if different else {}))
        closest, remark = closest_or_why((runs[0], runs[1]), args, narration, asked=asked, usual=different, check=check)
        code = int(asked and closest is None)
    report = compared(limit=_most(runs, args), closest=closest, **every)
    if remark:
        report = replace(report, remarks=(*report.remarks, remark))
    try:
        on_request = () if report.table("differences") else ("differences",)  # with a row for every neuron
        put_report(
            report, args, narration, shown=_shown(report), whole=_WHOLE, known=_known(report), on_request=on_request
        )
    except UsageError as error:
        if not (code and {*(args.table or ())} & {*_OF_MATCHING}):
            raise
        raise UsageError(error.message, remark) from None  # the table is there where closest neurons are found
    return code


def _most(runs: Sequence[Run], args: argparse.Namespace) -> int:
    """How many rows the longest tables get: no more than are wanted, as they take seconds in a large model."""
    if args.limit is None and report_format(args) == "json":
        return _MOST_JSON
    wanted = rows_wanted(args)
    tables = chosen_tables(args, args.table or (), single="categories")
    if wanted is None and (tables is None or {*tables} & {*_LONG}):
        return max(its.neurons * max(len(its.categories), 1) for its in runs)
    return max(_MOST, wanted or 0)


def _check(args: argparse.Namespace) -> None:
    """Refuse what makes no sense before any work is done."""
    if len(args.runs) < 2:
        raise UsageError(f"There is one run, {args.runs[0]}; comparing takes two or more.")
    wanted = _asks_for_matching(args)
    if args.no_match and wanted:
        raise UsageError(f"--no-match and {wanted} contradict each other.", "Give one.")
    if len(args.runs) > 2 and wanted:
        raise UsageError("Closest neurons are looked for between two runs.", "Give two of them.")
    if args.words is not None and args.words != 0 and args.words < LEAST_WORDS:
        raise UsageError(f"--words is {args.words}; it must be 0 (all) or at least {LEAST_WORDS}.")
    for name, least in (("draws", 1), ("seed", 0)):
        if getattr(args, name) is not None and getattr(args, name) < least:
            raise UsageError(f"--{name} is {getattr(args, name)}; it must be at least {least}.")


def _asks_for_matching(args: argparse.Namespace) -> str:
    """The flag that says that closest neurons are wanted; empty: none does."""
    given = [
        f"--{name}" for name in ("match", "both-ways", "signed") if getattr(args, name.replace("-", "_"))
    ]  # fmt: skip
    given += [
        f"--{name}"
        for name in ("text", "words", "baseline", "draws", "seed", "device")
        if getattr(args, name) is not None
    ]
    models = (args.model_a, args.model_b)
    given += [  # of a CSV it says which model to read
        f"--model-{'ab'[at]}"
        for at, model in enumerate(models)
        if model is not None and not Path(args.runs[at]).is_file()
    ]
    return next(iter(given), "")


def _opened(name: str, at: int, args: argparse.Namespace, narration: Narration) -> Run:
    """A run, or a CSV; of one with several models that of --model-a or --model-b."""
    model = (args.model_a, args.model_b)[at] if at < 2 and Path(name).is_file() else None
    try:
        return opened(name, narration, model)
    except RunError as error:
        if "--model " not in error.hint:
            raise
        hint = error.hint.replace("--model ", f"--model-{'ab'[at]} ") if at < 2 else "Split it into one file per model."
        raise RunError(error.message, hint) from None  # commands about one run have one --model


def _shown(report: Report) -> Sequence[str]:
    """The tables that people get where they do not say: not those that are long in a model of many layers."""
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
    """Every table that there can be of these runs."""
    keys = [table.key for table in report.tables]
    return keys if report.table("figures") is None or "differences" in keys else [*keys, "differences"]
