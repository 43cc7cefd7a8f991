"""``mechamap export``: write a run, or what a filter keeps of it, as CSV, JSON, Parquet or Markdown."""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass, replace
from pathlib import Path

from mechamap.cli.loading import add_source_model_flag, opened
from mechamap.cli.narration import Narration, write_binary
from mechamap.cli.parser import Commands
from mechamap.cli.report_options import EXCEL_HELP, refuse_excel
from mechamap.cli.view_choice import Listed, add_view_flag
from mechamap.errors import UsageError
from mechamap.exports.registry import FORMATS, ExportRequest, export_run, format_of, write_export
from mechamap.exports.target import check_target
from mechamap.figures.catalogue import figure_names
from mechamap.system.paths import typed_text, user_path
from mechamap.wording.plain import printable

__all__ = ["add_to"]


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
    add("--where", metavar="EXPR", type=typed_text, help="only the neurons that this is true for")
    add("--marked", action="store_true", help="only the neurons that are marked in the run")
    add("--sort", metavar="COLS", type=typed_text, help="sort by these columns; - in front sorts downwards")
    add("--limit", metavar="N", type=int, help="only the first N neurons")
    add(
        "--category", metavar="C", type=typed_text, help="the category meant by a figure without one, as in reads > 0.9"
    )
    add_view_flag(parser)
    add("--threshold", metavar="X", type=float, help="mean activation at which a neuron is listed (default: the run's)")
    add("--excel", action="store_true", help=EXCEL_HELP)
    add("--overwrite", action="store_true", help="replace the file if there is one")
    parser.set_defaults(run=run, parser=parser)


@dataclass(frozen=True, slots=True)
class ExportOptions:
    """What the flags say; ``out`` is None for standard output, ``category`` the one meant by a figure without one."""

    source: str
    model: str | None  # of a CSV with several
    format: str
    out: Path | None
    wide: bool
    where: str | None
    marked: bool
    sort: str | None
    limit: int | None
    category: str | None
    view: str | None  # what it says holds where nothing else is given
    threshold: float | None
    excel: bool
    overwrite: bool

    @property
    def scope(self) -> str:
        """Which neurons are written, in words."""
        parts = ["marked"] if self.marked else []
        parts += [f"where {self.where}"] if self.where is not None else []
        if self.limit is not None:
            parts.append(f"first {self.limit}" + (f" by {self.sort}" if self.sort else ""))
        return ", ".join(parts) or "all"


def run(args: argparse.Namespace, narration: Narration) -> int:
    """Export, and say on stderr what was written."""
    format = args.format or (format_of(args.out) if args.out != "-" else "csv")
    if format is None:
        raise UsageError(f"The name {args.out} does not tell the format.", f"Give --format: {', '.join(FORMATS)}.")
    refuse_excel(args.excel, format)
    options = ExportOptions(
        source=args.source,
        model=args.model,
        format=format,
        out=None if args.out == "-" else check_target(user_path(args.out), overwrite=args.overwrite),
        wide=args.wide,
        where=args.where,
        marked=args.marked,
        sort=args.sort,
        limit=args.limit,
        category=args.category,
        view=args.view,
        threshold=args.threshold,
        excel=args.excel,
        overwrite=args.overwrite,
    )
    return _export(options, narration)


def _export(options: ExportOptions, narration: Narration) -> int:
    if options.out is None and options.format == "parquet" and sys.stdout.isatty():
        raise UsageError("Parquet is a binary format that a terminal cannot show.", "Name a file with --out.")

    from mechamap.query.evaluate import chosen_rows
    from mechamap.query.neuron_choice import marked_rows
    from mechamap.wording.amounts import quantity

    source = opened(options.source, narration, options.model)
    if source.is_csv:
        for remark in source.record.problems:
            narration.say(f"note: {printable(remark)}")
    listed = Listed(options.where, options.sort, options.category, options.marked).by(source, options.view)
    options = replace(options, where=listed.where, sort=listed.sort, category=listed.category, marked=listed.marked)
    if options.category is not None:
        source.category_index(options.category)
    limit = None if options.marked else options.limit
    rows = chosen_rows(source, options.where, options.sort, limit, options.category)
    if options.marked:
        rows = rows[marked_rows(source)[rows]][: options.limit]
    request = ExportRequest(
        options.format,
        wide=options.wide,
        rows=rows,
        scope=options.scope,
        threshold=options.threshold,
        excel=options.excel,
    )
    if options.out is None:
        done = write_binary(lambda stream: write_export(source, stream, request))
    else:
        done = export_run(source, options.out, request, overwrite=options.overwrite)
    narration.say(f"{quantity(done.rows, 'row')}, {done.scope}, to {done.path or 'standard output'}")
    return 0
