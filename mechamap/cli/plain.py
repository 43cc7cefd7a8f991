"""``mechamap plain``, which is ``mechamap-tui --plain``: commands are read line by line and answered in lines."""

from __future__ import annotations

import argparse
import sys
from functools import partial

from mechamap.cli.lines.conversation import Conversation
from mechamap.cli.lines.line_narration import LineNarration
from mechamap.cli.narration import Narration
from mechamap.cli.parser import Commands
from mechamap.errors import MechaMapError
from mechamap.system.paths import typed_text
from mechamap.wording.plain import printable

__all__ = ["add_to"]

# As those of `mechamap-tui`: flag, its value, help. Each is the line that does the same.
_BEGIN = (
    ("view", "NAME", "begin with a named view"),
    ("category", "C", "begin with this category"),
    ("where", "EXPR", "begin with the neurons that this is true for"),
    ("sort", "COLS", "begin sorted by these columns; - in front sorts downwards"),
    ("neuron", "N", "begin with this neuron"),
)
_LINES = {"view": "view", "category": "category", "where": "filter", "sort": "sort", "neuron": "show"}


_DESCRIPTION = """Explore a run by commands, one a line, from a keyboard, a pipe or a file, for screen readers and
scripts: each is answered in lines, without colours and cursor movements; of a report each row is a line, each value
behind its name. They are the commands of `mechamap` without the run's name, which is given once; the filter, the order,
the category and the neuron that were asked for last are kept. `help` lists them, `quit` or the end of the input ends
it. The exit code is that of the last command that failed, 0 where none did."""


def add_to(commands: Commands) -> None:
    """Declare the command."""
    parser = commands.add_parser("plain", help="explore a run by lines, for screen readers", description=_DESCRIPTION)
    parser.add_argument("source", metavar="RUN", nargs="?", help="a run's name or folder, or a CSV")
    for flag, metavar, help in _BEGIN:
        parser.add_argument(f"--{flag}", metavar=metavar, type=typed_text, help=help)
    parser.set_defaults(run=run, parser=parser)


def run(args: argparse.Namespace, narration: Narration) -> int:
    """Answer lines until they end; returns the exit code of the last command that failed."""
    lines = LineNarration()
    talk = Conversation(partial(args.perform, args.whole), args.whole, lines)
    if args.source is not None:
        try:
            talk.open(args.source)
        except MechaMapError:
            if not sys.stdin.isatty():  # a script would go on without what it is about
                raise
            lines.say(f"{printable(args.source)} is not a run. To make one of a model: scan {printable(args.source)}")
    talk.greet()
    code = 0
    for flag, _, _ in _BEGIN:
        if (value := getattr(args, flag)) is not None:
            code = talk.answer(f"{_LINES[flag]} {value}") or code
    while not talk.ended:
        if sys.stdin.isatty():
            sys.stderr.write("> ")
            sys.stderr.flush()
        line = sys.stdin.readline()
        if not line:
            break
        code = talk.answer(line) or code
    return code
