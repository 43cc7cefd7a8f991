"""``mechamap interpret``: from a table of neurons to statements about a model."""

from __future__ import annotations

import argparse

from mechamap.cli.loading import add_source_model_flag, opened
from mechamap.cli.narration import Narration
from mechamap.cli.parser import Commands
from mechamap.cli.report_output import (
    add_judging_flags,
    add_report_flags,
    check_report_flags,
    chosen_tables,
    put_report,
    rows_wanted,
)
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
    add_judging_flags(parser, "judge neurons by it", default="reads, of a CSV mean")
    add("--top", metavar="N", type=int, default=3, help="how many neurons of each category are named (3)")
    add("--multi-category", action="store_true", help="also neurons of several categories, and which share neurons")
    add("--multi_category", action="store_true", dest="multi_category", help=argparse.SUPPRESS)
    add("--correlation", action="store_true", help="also the correlation between categories over neurons")
    add_source_model_flag(parser)
    add_report_flags(parser)
    parser.set_defaults(run=run, parser=parser)


def run(args: argparse.Namespace, narration: Narration) -> int:
    """Open, count, write."""
    from mechamap.interpret.report import interpret_run, missing_tables

    check_report_flags(args)
    source = opened(args.source, narration, args.model)
    absent = missing_tables(source, args.by)
    shown = [key for key in (*_SHOWN, *_asked(args)) if key not in absent]
    single = (*_asked(args), "categories")[0]
    only = chosen_tables(args, TABLES, shown=shown, single=single)
    most = rows_wanted(args)  # a neuron's row takes longer to make than to leave out
    report = interpret_run(source, args.by, args.threshold, args.top, only=only, most=most)
    known = [key for key in TABLES if key not in absent]
    put_report(report, args, narration, shown=shown, whole=_WHOLE, single=single, known=known)
    return 0


def _asked(args: argparse.Namespace) -> tuple[str, ...]:
    """The tables that flags of their own ask for."""
    several = ("several", "combinations") if args.multi_category else ()
    return (*several, "correlation") if args.correlation else several
