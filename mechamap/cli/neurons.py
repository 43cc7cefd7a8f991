"""``mechamap neurons``: a run's neurons, filtered and sorted, as the explorer's table shows them."""

from __future__ import annotations

import argparse
from dataclasses import dataclass

from mechamap.cli.loading import add_source_model_flag, opened
from mechamap.cli.narration import Narration
from mechamap.cli.parser import Commands
from mechamap.cli.report_options import ReportOptions, ReportTables, add_report_flags, report_options
from mechamap.cli.report_output import write_report
from mechamap.cli.view_choice import Listed, add_view_flag
from mechamap.system.paths import typed_text

__all__ = ["add_to"]


_DESCRIPTION = """The neurons that a filter keeps, in an order, with the figures of a category and the words that each
is highest at; without --category, with the category that each reads most. `mechamap export` writes every figure."""


def add_to(commands: Commands) -> None:
    """Declare the command."""
    parser = commands.add_parser("neurons", help="list neurons by a filter", description=_DESCRIPTION)
    add = parser.add_argument
    add("source", metavar="RUN|CSV", help="a run's name or folder, or a CSV in the columns that exports have")
    add("--where", metavar="EXPR", type=typed_text, help="only the neurons that this is true for")
    add("--sort", metavar="COLS", type=typed_text, help="sort by these columns; - in front sorts downwards")
    add("--category", metavar="C", type=typed_text, help="list its figures; also meant by a figure without one")
    add("--marked", action="store_true", help="only the neurons that are marked in the run")
    add_view_flag(parser)
    add_source_model_flag(parser)
    add_report_flags(parser, rows="all")
    parser.set_defaults(run=run, parser=parser)


@dataclass(frozen=True, slots=True)
class NeuronsOptions:
    """What the flags say."""

    source: str
    model: str | None  # of a CSV with several
    where: str | None
    sort: str | None
    category: str | None
    marked: bool
    view: str | None  # what it says holds where nothing else is given
    report: ReportOptions


def run(args: argparse.Namespace, narration: Narration) -> int:
    """Open, choose, write."""
    return _list(
        NeuronsOptions(
            args.source,
            args.model,
            args.where,
            args.sort,
            args.category,
            args.marked,
            args.view,
            report_options(args),
        ),
        narration,
    )


def _list(options: NeuronsOptions, narration: Narration) -> int:
    from mechamap.counts.neurons import NEURON_TABLES, list_neurons
    from mechamap.query.neuron_choice import marked_rows

    source = opened(options.source, narration, options.model)
    listed = Listed(options.where, options.sort, options.category, options.marked).by(source, options.view)
    if listed.category is not None:
        source.category_index(listed.category)
    among = marked_rows(source) if listed.marked else None
    report = list_neurons(source, listed.where, listed.sort, listed.category, among=among, limit=options.report.rows)
    write_report(report, options.report, ReportTables(NEURON_TABLES), narration)
    return 0
