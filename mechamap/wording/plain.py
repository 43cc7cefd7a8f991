"""Untrusted text made inert: tokens, names and file contents cannot steer a terminal or mark up a page."""

from __future__ import annotations

import re
from collections.abc import Iterable

__all__ = ["inert", "markdown_escaped", "markdown_row", "printable", "shortened"]


# As text, since compiling them would delay whatever says nothing that needs them.
_MARKS = r"([\\`*_{}\[\]<>|~#$&])"


# Control characters but the line end, what turns the direction of writing round, lone surrogates, invisible tags.
_STEERING = (
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufff9-\ufffb"
    "\U000e0000-\U000e0fff]"
)


def inert(text: str) -> str:
    """``text`` of several lines with everything spelled out that could steer a terminal.

    The last gate in front of one, for whatever was not :func:`printable` before; letters of all scripts pass.
    """
    return re.sub(_STEERING, lambda match: ascii(match[0])[1:-1], text)


def printable(text: str) -> str:
    """``text`` with control characters spelled out: a token or a file name must not steer the terminal.

    Joiners within a character stay: without them Persian and emoji are other characters.
    """
    if text.isprintable():
        return text
    import regex  # a tenth of the time of `mechamap --help`, which needs none of it

    return "".join([_printable_cluster(cluster) for cluster in regex.findall(r"\X", text)])


def _printable_cluster(cluster: str) -> str:
    joiners = "\u200c\u200d" if cluster[0].isprintable() and not cluster[0].isspace() else ""
    return "".join([ch if ch.isprintable() or ch in joiners else ascii(ch)[1:-1] for ch in cluster])


def markdown_escaped(text: str) -> str:
    """``text`` on one line, with everything escaped that Markdown would interpret."""
    return re.sub(_MARKS, r"\\\1", " ".join(text.splitlines()))


def markdown_row(cells: Iterable[str]) -> str:
    """A line of a Markdown table."""
    return "| " + " | ".join(cells) + " |"


def shortened(text: str, width: int = 40) -> str:
    """``text`` on one line, cut to ``width`` characters; letters keep their marks."""
    line = " ".join(text.split())
    if len(line) <= width:
        return line
    import regex

    ends = [match.end() for match in regex.finditer(r"\X", line[: width + 1])]
    return line[: max((end for end in ends if end < width), default=0)] + "…"
