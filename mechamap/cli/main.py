"""The ``mechamap`` command: data goes to stdout, narration and errors to stderr.

Each command has a file of its own in this folder: ``add_to`` declares its flags, ``run`` does it. Exit codes: 0 done,
1 failed, 2 wrong usage or config, 130 cancelled; of a signal that ended it, 128 and its number. Nothing heavy is
imported before a command runs, so that ``mechamap --help`` answers at once.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from mechamap import __version__
from mechamap.cli import (
    ablate,
    compare,
    completion,
    config,
    confirm,
    count,
    doctor,
    export,
    interpret,
    lens,
    merge,
    neurons,
    notes,
    plain,
    probe,
    replay,
    report,
    runs,
    scan,
    sets,
    similar,
    steer,
    views,
)
from mechamap.cli.failure import tell_failure
from mechamap.cli.narration import Narration
from mechamap.cli.parser import Parser, joined_words
from mechamap.cli.stopping import forget_signals
from mechamap.cli.streams import discard_output, readied_streams, written_whole
from mechamap.errors import UsageError
from mechamap.system.network import go_offline
from mechamap.system.room import ARRAYS, MODELS, TABLES, require_room
from mechamap.system.threads import wait_without_spinning
from mechamap.wording.plain import printable
from mechamap.wording.suggest import suggestion

__all__ = ["build_parser", "main"]


COMMANDS = (
    scan, merge, confirm, ablate, steer, lens, probe, similar, notes, sets, views, neurons, count, interpret, compare,
    export, report, replay, plain, runs, config, doctor, completion,
)  # fmt: skip
# Of address space, without which libraries end the process while they are loaded.
_ROOM = {
    **dict.fromkeys(("scan", "merge", "confirm", "ablate", "steer", "lens", "probe", "similar"), MODELS),
    **dict.fromkeys(("neurons", "count", "interpret", "compare", "export"), TABLES),
    **dict.fromkeys(("replay", "plain", "runs", "notes", "sets", "views", "report", "doctor"), ARRAYS),
}


def build_parser() -> Parser:
    """The parser of the whole command line."""
    parser = Parser(
        prog="mechamap",
        description="Find the MLP neurons of a language model that are about a category. "
        "`mechamap-tui` shows what a scan found.",
    )
    parser.add_argument(
        "--version", action="version", version=f"mechamap {__version__}", help="say which version this is"
    )
    parser.add_argument(
        "--offline",
        action="store_true",
        help="reach no network: models of the hub come from the cache alone; before or behind the command",
    )
    commands = parser.add_subparsers(metavar="COMMAND", dest="command")
    for command in COMMANDS:
        command.add_to(commands)
    parser.set_defaults(whole=parser, perform=_perform)  # for what tells of all commands, or has others done
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    readied_streams()
    forget_signals()
    wait_without_spinning()
    narration = Narration()
    try:
        with written_whole():
            return _run(argv, narration)
    except BrokenPipeError:
        discard_output()  # whoever read it has gone
        return 1
    except (Exception, KeyboardInterrupt) as error:
        return tell_failure(narration, error, argv)


def _run(argv: Sequence[str] | None, narration: Narration) -> int:
    parser = build_parser()
    words = list(sys.argv[1:] if argv is None else argv)
    if "--offline" in words:
        words = [word for word in words if word != "--offline"]
        go_offline()
    return _perform(parser, words, narration)


def _perform(parser: Parser, words: Sequence[str], narration: Narration) -> int:
    """Have the command done that these words are; returns its exit code."""
    args, extra = parser.parse_known_args(joined_words(words))
    if extra:
        known = args.parser.flags() if hasattr(args, "parser") else parser.flags()
        wrong = next((word for word in extra if word.startswith("-")), extra[0])
        program = args.parser.prog if hasattr(args, "parser") else parser.prog
        raise UsageError(
            f"`{program}` does not know {printable(wrong)!r}.",
            suggestion(wrong.split("=", 1)[0], known) or f"`{program} --help` lists the arguments.",
        )
    if args.command is None:
        narration.say(parser.format_help().rstrip())
        return UsageError.exit_code
    from mechamap.system.log import start_log

    start_log(args.command)
    if args.command in _ROOM:
        require_room(_ROOM[args.command], f"`{parser.prog} {args.command}`")
    return int(args.run(args, narration))
