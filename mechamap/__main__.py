"""``mechamap``, and ``python -m mechamap``: nothing is imported before an interrupt is told in one line."""

from __future__ import annotations

import os
import signal
import sys
from types import FrameType

__all__ = ["main"]


def main() -> int:
    """Run the command line on the words of this process; returns the exit code."""
    heard = signal.getsignal(signal.SIGINT) is not signal.SIG_IGN  # a job in the background of a script ignores it
    if heard:
        signal.signal(signal.SIGINT, _interrupted)
    from mechamap.cli.main import main as run_command
    from mechamap.cli.stopping import interrupt

    if heard:
        signal.signal(signal.SIGINT, interrupt)
    code = run_command()
    signal.signal(
        signal.SIGINT, signal.SIG_IGN
    )  # all is done: what Python tidies up at its end is not worth a traceback
    return code


def _interrupted(number: int, frame: FrameType | None) -> None:
    os.write(2, b"cancelled\n")
    os._exit(128 + number)


if __name__ == "__main__":
    sys.exit(main())
