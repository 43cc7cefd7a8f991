"""Write docs/cli.md from the parsers themselves: ``python scripts/write_cli_docs.py``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from mechamap.cli.main import build_parser
from mechamap.cli.parser import Parser

FILE = Path(__file__).parent.parent / "docs" / "cli.md"
HEAD = """\
# The command line

<!-- Written by scripts/write_cli_docs.py from the parsers; change those, then run it. -->

Data goes to standard output; narration, progress and errors to standard error. Exit codes: 0 done, 1 failed, 2 wrong
usage or config, 130 cancelled. Ctrl+C ends a scan after the layer it is at and keeps the layers that are finished; a
second one ends it at once.
"""


def text() -> str:
    """The whole page. Built from the parsers' actions: argparse's own help differs between Python versions."""
    return "\n".join([HEAD, *(part for parser in _parsers(build_parser()) for part in _section(parser))])


def _parsers(parser: Parser) -> Iterator[Parser]:
    yield parser
    for action in parser.actions():
        if isinstance(action, argparse._SubParsersAction):
            for below in action.choices.values():
                yield from _parsers(below)


def _section(parser: Parser) -> Iterator[str]:
    shown = [action for action in parser.actions() if action.help != argparse.SUPPRESS and action.dest != "help"]
    words = [parser.prog, *(_usage(action) for action in shown)]
    yield f"## `{parser.prog}`\n"
    if parser.description:
        yield f"{' '.join(parser.description.split())}\n"
    yield f"```\n{_wrapped(words)}\n```\n"
    rows = [f"| {_cell(_name(action))} | {_cell(action.help)} |" for action in shown if action.help]
    for action in shown:
        if isinstance(action, argparse._SubParsersAction):
            rows += [f"| `{choice.dest}` | {_cell(choice.help)} |" for choice in action._get_subactions()]
    if rows:
        yield "\n".join(["| | |", "| --- | --- |", *rows]) + "\n"


def _usage(action: argparse.Action) -> str:
    value = _value(action)
    if not action.option_strings:
        repeats = {"?": f"[{value}]", "+": f"{value} [{value} ...]", "*": f"[{value} ...]"}
        return repeats.get(str(action.nargs), value)
    flag, value = action.option_strings[-1], _flag_value(action)
    return f"[{flag} {value}]" if value else f"[{flag}]"


def _name(action: argparse.Action) -> str:
    value = _value(action)
    if not action.option_strings:
        return f"`{value}`"
    value = _flag_value(action)
    return ", ".join(f"`{flag} {value}`" if value else f"`{flag}`" for flag in action.option_strings)


def _value(action: argparse.Action) -> str:
    if action.nargs == 0:
        return ""
    if action.metavar is not None:
        return str(action.metavar)
    return "|".join(map(str, action.choices)) if action.choices else action.dest.upper()


def _flag_value(action: argparse.Action) -> str:
    """What stands behind a flag; in brackets where the flag alone means something too."""
    value = _value(action)
    return f"[{value}]" if action.nargs == "?" else value


def _wrapped(words: list[str], width: int = 100) -> str:
    lines = [words[0]]
    for word in words[1:]:
        if len(lines[-1]) + 1 + len(word) > width:
            lines.append(" " * len(words[0]))
        lines[-1] += f" {word}"
    return "\n".join(lines)


def _cell(text: str | None) -> str:
    return " ".join((text or "").split()).replace("|", r"\|")


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
    sys.stdout.write(f"{FILE}\n")
