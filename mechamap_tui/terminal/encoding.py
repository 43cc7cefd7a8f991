"""The encoding that the explorer draws in."""

from __future__ import annotations

import io
import sys

__all__ = ["draw_in_utf8"]


def draw_in_utf8() -> None:
    """Let Textual write UTF-8 to the terminal, whatever encoding the locale or ``PYTHONIOENCODING`` names.

    Textual reads keys as UTF-8 in any locale, and writes to standard error in that stream's encoding: in ISO-8859-1
    every line and bar would become an escape such as ``\\u2500``.
    """
    for stream in (sys.__stdout__, sys.__stderr__):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
