"""Which commands and flags a log may have: those that explore a run, and none that read or write files of their own.

A log may come from anybody. What is not listed here is not done, whatever a later version adds to a command.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence

from mechamap.errors import UsageError
from mechamap.wording.plain import shortened

__all__ = ["COMMANDS", "OUTPUTS", "refuse_others"]


_REPORT = ("format", "table", "limit", "out", "excel")
_CHOICE = ("neuron", "set", "where", "marked")

COMMANDS: Mapping[str, frozenset[str]] = {
    command: frozenset(("source", *allowed))
    for command, allowed in {
        "neurons": ("where", "sort", "category", "marked", *_REPORT),
        "count": ("by", "where", "category", "marked", "bins", "cut", *_REPORT),
        "notes": ("action", *_CHOICE, "note", "json"),
        "sets": ("action", "name", *_CHOICE, "note", "json", "out", "overwrite"),
        "confirm": ("permutations", "splits", "seed", "candidates", "randomize", "hard_auroc", "json"),
        "ablate": ("neuron", "set", "category", "top", "mean", "controls", "seed", "method", "json"),
        "steer": (
            *_CHOICE, "text", "strengths", "mode", "place", "controls", "category", "generate", "sample", "seed", "top",
            "form", "strength", "control_vector", "format",
        ),
        "probe": ("neuron", "text", "token", "compare", "top", "next", *_REPORT),
        "similar": ("neuron", "top", *_REPORT),
        "lens": ("neuron", "top", "json"),
        "interpret": ("by", "threshold", "top", "multi_category", "correlation", *_REPORT),
        "compare": ("runs", "by", "threshold", "relation", "match", "no_match", "words", *_REPORT),
        "report": (*_CHOICE, "category", "format", "out"),
        "export": ("format", "wide", "where", "sort", "limit", "category", "threshold", "marked", "excel", "out"),
    }.items()
}  # fmt: skip
"""The arguments that each may have, by the names that their values have once they are parsed."""

OUTPUTS = ("out", "control_vector")
"""Those of them that name a file to write."""


def refuse_others(words: Sequence[str], args: argparse.Namespace) -> None:
    """Refuse a step that a log may not have.

    Args:
        words: as the log has them.
        args: what they were parsed to.

    Raises:
        UsageError: another command, another flag, or a text from standard input.
    """
    command = words[0] if words else ""
    allowed = COMMANDS.get(command)
    if allowed is None or args.command != command:
        raise UsageError(f"{shortened(command)!r} is not done from a log.", f"These are: {', '.join(COMMANDS)}.")
    for action in args.parser.actions():
        name = action.dest
        if name not in allowed and hasattr(args, name) and getattr(args, name) != args.parser.get_default(name):
            flag = action.option_strings[0] if action.option_strings else name
            raise UsageError(f"{flag} of {command} is not taken from a log.")
    texts = getattr(args, "text", None) or ()
    if "-" in ([texts] if isinstance(texts, str) else texts):
        raise UsageError("Its text came from standard input, which a log does not have.")
    if command == "sets" and args.overwrite and args.action != "add":
        raise UsageError("--overwrite is taken from a log only for a set.")
    if command == "sets" and args.action == "import":
        raise UsageError("`sets import` reads a file, which a log may not name.")
