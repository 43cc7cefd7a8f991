"""What can be completed: commands, their flags and arguments, and what each of these takes, read off the parsers."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

from mechamap.cli.parser import Parser

__all__ = ["CommandWords", "FlagWords", "Kind", "command_words", "explorer_words", "walk"]


Kind: TypeAlias = Literal["run", "model", "category", "file", "folder"]

_OF_METAVAR: dict[str, Kind] = {
    "RUN": "run", "MODEL": "model", "CSV": "file", "F": "file", "FILE": "file", "PATH": "file", "PART": "folder",
    "DIR": "folder", "OUT": "folder", "FILE.csv": "file",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Taken:
    """What an argument or the value of a flag can be: fixed ``choices``, or names of some kinds; neither: anything."""

    choices: tuple[str, ...] = ()
    kinds: tuple[Kind, ...] = ()


@dataclass(frozen=True, slots=True)
class FlagWords:
    """A flag under all its names; ``value`` is None where it takes none."""

    names: tuple[str, ...]
    about: str
    value: Taken | None


@dataclass(frozen=True, slots=True)
class CommandWords:
    """A command by the words that lead to it: its flags, its arguments in order, and the commands below it.

    Attributes:
        path: such as ``("mechamap", "runs", "show")``.
        about: what it does, in a line.
        repeats: whether the last argument may come any number of times.
    """

    path: tuple[str, ...]
    about: str
    flags: tuple[FlagWords, ...]
    arguments: tuple[Taken, ...]
    repeats: bool
    below: tuple[CommandWords, ...] = ()


def walk(command: CommandWords) -> Iterator[CommandWords]:
    """A command and all below it."""
    yield command
    for each in command.below:
        yield from walk(each)


def command_words(parser: Parser, path: tuple[str, ...] = ("mechamap",), about: str = "") -> CommandWords:
    """What a parser takes, and those of the commands below it."""
    shown = [action for action in parser.actions() if action.help != argparse.SUPPRESS]
    flags = tuple(
        FlagWords(tuple(action.option_strings), _line(action.help), None if action.nargs == 0 else _taken(action))
        for action in shown
        if action.option_strings
    )
    below: list[CommandWords] = []
    arguments: list[argparse.Action] = []
    for action in shown:
        if isinstance(action, argparse._SubParsersAction):
            about_each = {choice.dest: _line(choice.help) for choice in action._get_subactions()}
            below += [
                command_words(each, (*path, name), about_each.get(name, "")) for name, each in action.choices.items()
            ]
        elif not action.option_strings:
            arguments.append(action)
    return CommandWords(
        path,
        about,
        flags,
        tuple(map(_taken, arguments)),
        bool(arguments) and arguments[-1].nargs in ("*", "+"),
        tuple(below),
    )


def explorer_words() -> CommandWords:
    """What ``mechamap-tui`` takes, whose parser is out of reach of the command line."""
    flags = (
        FlagWords(("-h", "--help"), "show this help message and exit", None),
        FlagWords(("--config",), "config file for the scan of a model", Taken(kinds=("file",))),
        FlagWords(("--view",), "show a named view of a run", Taken()),
        FlagWords(("--where",), "show the neurons that this is true for", Taken()),
        FlagWords(("--sort",), "sort by these columns", Taken()),
        FlagWords(("--category",), "show this category", Taken(kinds=("category",))),
        FlagWords(("--neuron",), "put the cursor on this neuron", Taken()),
        FlagWords(("--plain",), "answer commands line by line instead, for screen readers and scripts", None),
        FlagWords(("--new",), "scan the model even if a run has that name", None),
        FlagWords(("--offline",), "reach no network: models of the hub come from the cache alone", None),
        FlagWords(("--web",), "show the explorer in a browser on this machine", None),
        FlagWords(("--port",), "the port of --web", Taken()),
        FlagWords(("--version",), "print the version and exit", None),
    )
    return CommandWords(("mechamap-tui",), "", flags, (Taken(kinds=("run", "model", "file")),), False)


def _taken(action: argparse.Action) -> Taken:
    if action.choices is not None:
        return Taken(choices=tuple(map(str, action.choices)))
    if action.dest == "category":
        return Taken(kinds=("category",))
    metavars = re.split(r"[|\s]+", str(action.metavar or ""))
    return Taken(kinds=tuple(dict.fromkeys(_OF_METAVAR[each] for each in metavars if each in _OF_METAVAR)))


def _line(text: str | None) -> str:
    return " ".join((text or "").split())
