"""A command as the documentation shows it, run; or, where it cannot be run here, held to what can be known of it."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Sequence
from pathlib import Path

from support.repository import ROOT

__all__ = ["run_words"]


def run_words(words: Sequence[str]) -> int:
    """The exit code of a command.

    Raises:
        AssertionError: it is none that the documentation may show.
    """
    program, rest = Path(words[0]).name, list(words[1:])
    if program == "ssh":
        there = next(place for place, word in enumerate(words) if word.startswith("mechamap"))  # behind its options
        program, rest = words[there], list(words[there + 1 :])
    if program == "pip":
        return 0  # tests/installed installs a wheel into an empty environment
    if program == "make":
        return 0 if re.search(rf"^{rest[0]}:", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE) else 1
    if program == "mechamap-tui":
        from mechamap_tui.command import _parser

        _parser().parse_args(rest)  # the explorer's own tests start it on each kind of argument
        return 0
    assert program == "mechamap", program
    from mechamap.cli.main import build_parser, main

    if "--ray" in rest and ("local" not in rest or importlib.util.find_spec("ray") is None):
        build_parser().parse_args(rest)  # a cluster of others; tests/cluster has workers
        return 0
    return main([path for word in rest for path in _expanded(word)])


def _expanded(word: str) -> list[str]:
    """What a shell makes of a word."""
    if "*" in word and (found := sorted(Path().glob(word))):
        return [str(path) for path in found]
    return [str(Path(word).expanduser()) if word.startswith("~") else word]
