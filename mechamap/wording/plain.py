"""Untrusted text made inert: tokens, names and file contents cannot steer a terminal or mark up a page."""

from __future__ import annotations

import re
from collections.abc import Iterable

__all__ = ["markdown_escaped", "markdown_row", "printable"]


_MARKS = re.compile(r"([\\`*_{}\[\]<>|~#$&])")


def printable(text: str) -> str:
    """``text`` with control characters spelled out: a token or a file name must not steer the terminal."""
    return "".join(ch if ch.isprintable() else ascii(ch)[1:-1] for ch in text)


def markdown_escaped(text: str) -> str:
    """``text`` on one line, with everything escaped that Markdown would interpret."""
    return _MARKS.sub(r"\\\1", " ".join(text.splitlines()))


def markdown_row(cells: Iterable[str]) -> str:
    """A line of a Markdown table."""
    return "| " + " | ".join(cells) + " |"


def shortened(text: str, width: int = 40) -> str:
    """``text`` on one line, cut to ``width`` characters."""
    line = " ".join(text.split())
    return line if len(line) <= width else line[: width - 1] + "…"
