"""``mechamap interpret``: from a table of neurons to statements about a model."""

from __future__ import annotations

import argparse
from dataclasses import dataclass, replace

from mechamap.cli.loading import add_source_model_flag, opened
from mechamap.cli.narration import Narration
from mechamap.cli.parser import Commands
from mechamap.cli.report_options import ReportOptions, ReportTables, add_judging_flags, add_report_flags, report_options
from mechamap.cli.report_output import write_report
from mechamap.interpret.tables import TABLES

__all__ = ["add_to"]


_DESCRIPTION = """What a run's neurons say about its model: how many count for each category and the strongest of them,
in which layers they lie, how many rise and how many fall, how specialised they are, which categories share neurons.
By any figure the run has. docs/interpret.md says what each table means."""

_SHOWN = ("info", "categories", "top", "layers", "signs", "specialists")
# They grow with categories and layers alone.
_WHOLE = ("info", "categories", "top", "layers", "signs", "depth", "correlation", "correlation_neurons")


def add_to(commands: Commands) -> None:
    """Declare the command."""
    parser = commands.add_parser("interpret", help="what a run's neurons say about its model", description=_DESCRIPTION)
    add = parser.add_argument
    add("source", metavar="RUN|CSV", help="a run's name or folder, or a CSV in the columns that exports have")
    add_judging_flags(parser, "judge neurons by it")
    add("--top", metavar="N", type=int, default=3, help="how many neurons of each category are named (3)")
    add("--multi-category", action="store_true", help="also neurons of several categories, and which share neurons")
    add("--multi_category", action="store_true", dest="multi_category", help=argparse.SUPPRESS)
    add("--correlation", action="store_true", help="also the correlation between categories over neurons")
    add_source_model_flag(parser)
    add_report_flags(parser)
    parser.set_defaults(run=run, parser=parser)


@dataclass(frozen=True, slots=True)
class InterpretOptions:
    """What the flags say."""

    source: str
    model: str | None  # of a CSV with several
    by: str | None
    threshold: float | None
    top: int
    extra_tables: tuple[str, ...]  # the tables that flags of their own ask for
    report: ReportOptions


def run(args: argparse.Namespace, narration: Narration) -> int:
    """Open, count, write."""
    several = ("several", "combinations") if args.multi_category else ()
    extra_tables = (*several, "correlation") if args.correlation else several
    report = report_options(args)
    return _interpret(
        InterpretOptions(args.source, args.model, args.by, args.threshold, args.top, extra_tables, report), narration
    )


def _interpret(options: InterpretOptions, narration: Narration) -> int:
    from mechamap.interpret.report import interpret_run, missing_tables

    source = opened(options.source, narration, options.model)
    absent = missing_tables(source, options.by)
    tables = ReportTables(
        known=[key for key in TABLES if key not in absent],
        shown=[key for key in (*_SHOWN, *options.extra_tables) if key not in absent],
        whole=_WHOLE,
        single=(*options.extra_tables, "categories")[0],
    )
    report = interpret_run(
        source,
        options.by,
        options.threshold,
        options.top,
        only=options.report.chosen(replace(tables, known=TABLES)),  # those that are absent are refused with the reason
        most=options.report.rows,  # a neuron's row takes longer to make than to leave out
    )
    write_report(report, options.report, tables, narration)
    return 0
