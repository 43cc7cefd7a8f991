"""Untrusted text made inert: tokens, names and file contents cannot steer a terminal or mark up a page."""

from __future__ import annotations

import re
from collections.abc import Iterable

import regex

__all__ = ["markdown_escaped", "markdown_row", "printable"]


_MARKS = re.compile(r"([\\`*_{}\[\]<>|~#$&])")


def printable(text: str) -> str:
    """``text`` with control characters spelled out: a token or a file name must not steer the terminal.

    Joiners within a character stay: without them Persian and emoji are other characters.
    """
    if text.isprintable():
        return text
    return "".join([_printable_cluster(cluster) for cluster in regex.findall(r"\X", text)])


def _printable_cluster(cluster: str) -> str:
    joiners = "\u200c\u200d" if cluster[0].isprintable() and not cluster[0].isspace() else ""
    return "".join([ch if ch.isprintable() or ch in joiners else ascii(ch)[1:-1] for ch in cluster])


def markdown_escaped(text: str) -> str:
    """``text`` on one line, with everything escaped that Markdown would interpret."""
    return _MARKS.sub(r"\\\1", " ".join(text.splitlines()))


def markdown_row(cells: Iterable[str]) -> str:
    """A line of a Markdown table."""
    return "| " + " | ".join(cells) + " |"


def shortened(text: str, width: int = 40) -> str:
    """``text`` on one line, cut to ``width`` characters; letters keep their marks."""
    line = " ".join(text.split())
    if len(line) <= width:
        return line
    ends = [match.end() for match in regex.finditer(r"\X", line[: width + 1])]
    return line[: max((end for end in ends if end < width), default=0)] + "…"
