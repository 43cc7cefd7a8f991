"""``mechamap count``: how many neurons there are of each value of a column, or pair of columns."""

from __future__ import annotations

import argparse
from dataclasses import dataclass

from mechamap.cli.loading import add_source_model_flag, opened
from mechamap.cli.narration import Narration
from mechamap.cli.parser import Commands
from mechamap.cli.report_options import ReportOptions, ReportTables, add_report_flags, report_options
from mechamap.cli.report_output import write_report
from mechamap.system.paths import typed_text

__all__ = ["add_to"]


_DESCRIPTION = """How many neurons there are in each group: of a column, such as layer, best (the category that a
neuron reads most), first_token (the token at which it is highest) or reads.food; of an expression, such as
abs(reads.food); or of a pair of them: --by layer,best. Numbers are cut into bins; a condition, such as
"reads.food > 0.9", gives two groups. Each row has the filter for its neurons, which --where of other commands takes."""

_CUTS = ("auto", "round", "quantile")


def add_to(commands: Commands) -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "count", help="how many neurons of each layer, category, ...", description=_DESCRIPTION
    )
    add = parser.add_argument
    add("source", metavar="RUN|CSV", help="a run's name or folder, or a CSV in the columns that exports have")
    add("--by", metavar="COLS", type=typed_text, required=True, help="a column or an expression, or two: layer,best")
    add("--where", metavar="EXPR", type=typed_text, help="only the neurons that this is true for")
    add("--marked", action="store_true", help="only the neurons that are marked in the run")
    add("--category", metavar="C", type=typed_text, help="the category meant by a figure without one")
    add("--bins", metavar="N", type=int, help="about how many bins a number is cut into (10)")
    add(
        "--cut",
        choices=_CUTS,
        default="auto",
        help="cut at round numbers, at quantiles, or as suits the figure (auto)",
    )
    add_source_model_flag(parser)
    add_report_flags(parser, rows="all")
    parser.set_defaults(run=run, parser=parser)


@dataclass(frozen=True, slots=True)
class CountOptions:
    """What the flags say."""

    source: str
    model: str | None  # of a CSV with several
    by: str
    where: str | None
    marked: bool
    category: str | None
    bins: int | None
    cut: str
    report: ReportOptions


def run(args: argparse.Namespace, narration: Narration) -> int:
    """Open, count, write."""
    return _count(
        CountOptions(
            args.source,
            args.model,
            args.by,
            args.where,
            args.marked,
            args.category,
            args.bins,
            args.cut,
            report_options(args),
        ),
        narration,
    )


def _count(options: CountOptions, narration: Narration) -> int:
    from mechamap.counts.frequency import COUNT_TABLES, count_neurons
    from mechamap.query.neuron_choice import marked_rows

    source = opened(options.source, narration, options.model)
    if options.category is not None:
        source.category_index(options.category)
    report = count_neurons(
        source,
        options.by,
        where=options.where,
        among=marked_rows(source) if options.marked else None,
        category=options.category,
        bins=options.bins,
        cut=options.cut,
    )
    known = tuple(table.key for table in report.tables)
    tables = ReportTables(known or COUNT_TABLES, shown=known[:1], whole=COUNT_TABLES, single="counts")
    write_report(report, options.report, tables, narration)
    return 0
