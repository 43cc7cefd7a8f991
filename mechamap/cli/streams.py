"""The encoding of the standard streams, and standard output that cannot be written: closed, or on a full disk."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

from mechamap.errors import ExportError

__all__ = ["discard_output", "readied_streams", "written_whole"]


_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def readied_streams() -> None:
    """Let both streams take whatever is written.

    What goes into a file or a pipe is UTF-8 in any locale. A terminal gets its own encoding: a character that it cannot
    show is no failure. What would go to a closed stream, in whose place Python has None, goes nowhere.
    """
    sys.stdout = sys.stdout or _nowhere()
    sys.stderr = sys.stderr or _nowhere()
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding=None if stream.isatty() else "utf-8", errors="backslashreplace")


@contextmanager
def written_whole() -> Iterator[None]:
    """Everything that is written inside has reached standard output at the end.

    Raises:
        ExportError: there is no room for it.
    """
    try:
        yield
        sys.stdout.flush()
    except OSError as error:
        if error.errno not in _FULL:
            raise
        discard_output()
        raise ExportError(
            f"Not everything could be written: {error.strerror}.", "Make room, or write it somewhere else."
        ) from None


def discard_output() -> None:
    """Throw away what is left for stdout: Python would complain once more when it flushes it at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _nowhere() -> TextIO:
    return os.fdopen(os.open(os.devnull, os.O_WRONLY), "w", encoding="utf-8")
