"""``mechamap``, and ``python -m mechamap``: nothing is imported before an interrupt is told in one line."""

from __future__ import annotations

import atexit
import os
import signal
import sys
from contextlib import suppress
from types import FrameType
from typing import NoReturn

__all__ = ["main"]


def main() -> int:
    """Run the command line on the words of this process; returns the exit code."""
    heard = signal.getsignal(signal.SIGINT) is not signal.SIG_IGN  # a job in the background of a script ignores it
    if heard:
        signal.signal(signal.SIGINT, _interrupted)
    try:
        from mechamap.cli.main import main as run_command
        from mechamap.cli.stopping import interrupt
    except (ImportError, MemoryError, OSError) as error:
        if not isinstance(error, MemoryError) and "map segment" not in str(error):
            raise
        return _lacks_memory(b"that it needs to begin")

    if heard:
        signal.signal(signal.SIGINT, interrupt)
    try:
        code = run_command()
    except MemoryError:  # raised anew by what was to tell of it
        return _lacks_memory(b"that the command needs")
    signal.signal(
        signal.SIGINT, signal.SIG_IGN
    )  # all is done: what Python tidies up at its end is not worth a traceback
    if code and "torch" in sys.modules:
        _end_here(code)
    return code


def _lacks_memory(what: bytes) -> int:
    """Say so without taking memory; returns the exit code."""
    os.write(2, b"error: Out of memory\n  This process may not take the memory " + what + b".\n")
    return 1


def _end_here(code: int) -> NoReturn:
    """End without the destructors of libraries: PyTorch's abort the process when a thread of theirs was refused."""
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(code)


def _interrupted(number: int, frame: FrameType | None) -> None:
    os.write(2, b"cancelled\n")
    os._exit(128 + number)


if __name__ == "__main__":
    sys.exit(main())
