"""``mechamap export``: write a run, or what a filter keeps of it, as CSV, JSON, Parquet or Markdown."""

from __future__ import annotations

import argparse
import sys

from mechamap.cli.loading import add_source_model_flag, opened
from mechamap.cli.narration import Narration
from mechamap.cli.parser import Commands
from mechamap.errors import UsageError
from mechamap.exports.registry import FORMATS, ExportRequest, export_run, format_of, write_export
from mechamap.exports.target import check_target
from mechamap.figures.catalogue import figure_names
from mechamap.wording.plain import printable

__all__ = ["add_to", "run"]


_DESCRIPTION = f"""Write a run, or a part of it, in a format that other programs read. Filters and sort columns know the
names layer, neuron, {", ".join(figure_names("neuron", made_by="scan"))},
figures of a category such as selectivity.food (or reads.food), best, and a word for neurons with that token among their
highest or lowest:
--where "reads.food > 0.9 and layer >= 20", --sort "-reads.food,layer"."""


def add_to(commands: Commands) -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "export", help="write a run as CSV, JSON, Parquet or Markdown", description=_DESCRIPTION
    )
    add = parser.add_argument
    add("source", metavar="RUN", help="a run's name or folder, or a CSV in the columns that exports have")
    add_source_model_flag(parser)
    add("--format", choices=tuple(FORMATS), help="default: what the suffix of --out means, else csv")
    add("--out", metavar="F", default="-", help="the file to write (default: -, standard output)")
    add("--wide", action="store_true", help="one row per neuron with every figure")
    add("--where", metavar="EXPR", help="only the neurons that this is true of")
    add("--sort", metavar="COLS", help="by these columns; - in front sorts down")
    add("--limit", metavar="N", type=int, help="only the first N neurons")
    add("--category", metavar="C", help="the category meant by a figure without one, as in reads > 0.9")
    add("--threshold", metavar="X", type=float, help="mean activation at which a neuron is listed (default: the run's)")
    add("--overwrite", action="store_true", help="replace the file if there is one")
    parser.set_defaults(run=run, parser=parser)


def run(args: argparse.Namespace, narration: Narration) -> int:
    """Export, and say on stderr what was written."""
    format = args.format or (format_of(args.out) if args.out != "-" else "csv")
    if format is None:
        raise UsageError(f"The name {args.out} does not say which format.", f"Give --format: {', '.join(FORMATS)}.")
    if args.out != "-":
        check_target(args.out, overwrite=args.overwrite)
    elif format == "parquet" and sys.stdout.isatty():
        raise UsageError("Parquet is no text for a terminal.", "Name a file with --out.")

    from mechamap.query.evaluate import chosen_rows
    from mechamap.wording.amounts import quantity

    source = opened(args.source, narration, args.model)
    if source.is_csv:
        for remark in source.record.problems:
            narration.say(f"note: {printable(remark)}")
    if args.category is not None:
        source.category_index(args.category)
    rows = chosen_rows(source, args.where, args.sort, args.limit, args.category)
    request = ExportRequest(format, wide=args.wide, rows=rows, scope=_scope(args), threshold=args.threshold)
    if args.out == "-":
        done = write_export(source, sys.stdout.buffer, request)
    else:
        done = export_run(source, args.out, request, overwrite=args.overwrite)
    narration.say(f"{quantity(done.rows, 'row')}, {done.scope}, to {done.path or 'standard output'}")
    return 0


def _scope(args: argparse.Namespace) -> str:
    parts = [f"where {args.where}"] if args.where is not None else []
    if args.limit is not None:
        parts.append(f"first {args.limit}" + (f" by {args.sort}" if args.sort else ""))
    return ", ".join(parts) or "all"
