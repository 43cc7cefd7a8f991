"""An error as IPython shows it: what happened, what to do, and the reader's own line; none of the frames behind it."""

from __future__ import annotations

import linecache
import traceback
from types import TracebackType

from mechamap.wording.plain import inert

__all__ = ["notebook_lines"]


_OWN = "mechamap"  # frames of these modules say nothing to a reader


def notebook_lines(error: BaseException, title: str) -> list[str]:
    """Lines in place of a traceback.

    Args:
        title: what kind of trouble it is.
    """
    lines = [f"{type(error).__name__}: {title}", *(f"  {line}" for line in str(error).splitlines())]
    place = _readers_line(error.__traceback__)
    return [inert(line) for line in [*lines, *([place] if place else [])]]


def _readers_line(frames: TracebackType | None) -> str:
    """The last line outside of this package that led to an error; empty where there is none."""
    place = ""
    for frame, number in traceback.walk_tb(frames):
        if frame.f_globals.get("__name__", "").partition(".")[0] == _OWN:
            break
        line = linecache.getline(frame.f_code.co_filename, number, frame.f_globals).strip()
        if line:
            place = f"in line {number}: {line}"
    return place
