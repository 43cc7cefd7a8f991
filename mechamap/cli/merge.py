"""``mechamap merge``: put parts of a corpus scan together."""

from __future__ import annotations

import argparse

from mechamap.cli.narration import Narration, print_path
from mechamap.cli.parser import Commands
from mechamap.system.paths import user_path

__all__ = ["add_to"]


_DESCRIPTION = """Put parts of a corpus scan, made by `mechamap scan --corpus ... --shard I/N` on any machines, together
into one run. The parts must have the same model, corpus, shards and settings, and no shard twice. Prints the run's
folder."""


def add_to(commands: Commands) -> None:
    """Declare the command."""
    parser = commands.add_parser("merge", help="put parts of a corpus scan together", description=_DESCRIPTION)
    parser.add_argument("parts", metavar="PART", nargs="+", type=user_path, help="the folder of a part")
    parser.add_argument("--out", metavar="RUN", type=user_path, required=True, help="the folder of the new run")
    parser.set_defaults(run=run, parser=parser)


def run(args: argparse.Namespace, narration: Narration) -> int:
    """Merge, and say what the run has."""
    from mechamap.cli.scan_report import report
    from mechamap.scan.corpus.merge import merge_parts

    merged = merge_parts(args.parts, args.out)
    report(merged, narration)
    narration.say(f"To look at it: mechamap-tui {merged.path}")
    print_path(merged.path)
    return 0
