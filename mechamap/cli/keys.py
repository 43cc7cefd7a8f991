"""``mechamap config keys``: the keys of the explorer, written to a file to edit, or a user's own checked."""

from __future__ import annotations

import argparse
from contextlib import suppress
from pathlib import Path

from mechamap.cli.narration import Narration, print_data, print_path, write_data
from mechamap.cli.parser import Commands
from mechamap.system.paths import settings_folder, user_path
from mechamap.wording.amounts import quantity

__all__ = ["add_to"]


def add_to(commands: Commands) -> None:
    """Declare the command."""
    parser = commands.add_parser("keys", help="write the explorer's keys to a file to edit, or check one")
    parser.add_argument(
        "file",
        metavar="F",
        nargs="?",
        type=user_path,
        help="default: keys.yaml in your folder for settings, which the explorer reads; -: stdout",
    )
    parser.add_argument("--check", action="store_true", help="say which lines of the file are wrong; write nothing")
    parser.add_argument("--overwrite", action="store_true", help="replace the file if there is one")
    parser.set_defaults(run=_keys, parser=parser)


def _keys(args: argparse.Namespace, narration: Narration) -> int:
    path: Path = settings_folder() / "keys.yaml" if args.file is None else args.file
    return _check(path) if args.check else _write(path, narration, overwrite=args.overwrite)


def _write(path: Path, narration: Narration, *, overwrite: bool) -> int:
    from mechamap.config.keys.default_text import default_text
    from mechamap.config.new_file import write_new

    if path == Path("-"):
        write_data(default_text())
        return 0
    with suppress(OSError):  # told where the file is written
        path.parent.mkdir(parents=True, exist_ok=True)
    write_new(path, default_text(), overwrite=overwrite)
    narration.say("Every line is a comment: take the # away in front of those that you change. Then check the file:")
    narration.say("  mechamap config keys --check" + ("" if path.parent == settings_folder() else f" {path}"))
    print_path(path)
    return 0


def _check(path: Path) -> int:
    from mechamap.config.keys.key_file import read_keys

    own = read_keys(path)
    wrong = f"{quantity(len(own.problems), 'wrong line')}" if own.problems else "ok"
    print_data(f"{path}: {wrong}, {quantity(len(own.keys), 'action')} with keys of your own")
    for problem in own.problems:
        print_data(f"  {problem}")
    return 2 if own.problems else 0
