"""``mechamap report``: a page to share about neurons of a run, as one file of HTML or Markdown."""

from __future__ import annotations

import argparse
from pathlib import Path

from mechamap.cli.loading import add_source_model_flag, opened
from mechamap.cli.narration import Narration, print_path, write_data
from mechamap.cli.neuron_choice import add_choice_flags, chosen_neurons
from mechamap.cli.parser import Commands
from mechamap.system.paths import typed_text, user_path
from mechamap.wording.amounts import quantity

__all__ = ["add_to"]


_DESCRIPTION = """Write a page about neurons of a run, to share or to keep: their figures, how each was checked,
contexts with activations coloured, charts, the commands and the config that made the run, versions, and what was
assumed. One file, which runs no script and loads nothing. It shows parts of the run's text, your notes on the neurons,
and the config with its texts."""


def add_to(commands: Commands) -> None:
    """Declare the command."""
    parser = commands.add_parser("report", help="a page to share about some neurons", description=_DESCRIPTION)
    add = parser.add_argument
    add("source", metavar="RUN", help="a run's name or folder, or a CSV in the columns that exports have")
    add_source_model_flag(parser)
    add_choice_flags(parser)
    add("--category", metavar="C", type=typed_text, help="what the page is about (default: what each reads best)")
    add("--out", metavar="F", default="-", help="the file to write, .html or .md (default: -, standard output)")
    add("--format", choices=("html", "md"), help="default: what the suffix of --out means, else html")
    add("--overwrite", action="store_true", help="replace the file if there is one")
    parser.set_defaults(run=run, parser=parser)


def run(args: argparse.Namespace, narration: Narration) -> int:
    """Write the page."""
    from mechamap.exports.target import check_target
    from mechamap.page.writing import page_format, page_text, write_page

    to_stdout = args.out == "-"
    format = args.format or ("html" if to_stdout else page_format(args.out))
    target = None if to_stdout else check_target(user_path(args.out), overwrite=args.overwrite)
    of_run = opened(args.source, narration, args.model)
    neurons = chosen_neurons(args, of_run).neurons
    if target is None:
        write_data(page_text(of_run, neurons, Path(f"page.{format}"), format, args.category))
        return 0
    write_page(of_run, neurons, target, format, category=args.category, overwrite=args.overwrite)
    narration.say(f"{quantity(len(neurons), 'neuron')} of {of_run.name}")
    print_path(target)
    return 0
