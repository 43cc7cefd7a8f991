"""Signals that end a command: at once, and a scan after its current layer, with finished layers kept."""

from __future__ import annotations

import shlex
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import NoReturn, Protocol

from mechamap.cli.narration import Narration
from mechamap.errors import Cancelled

__all__ = [
    "Watched",
    "forget_signals",
    "interrupt",
    "layers_kept",
    "stop_code",
    "stopping",
    "was_interrupted",
    "with_what_is_kept",
]

_ENDING = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))
_received: list[int] = []  # signals, in the order in which they came


class Watched(Protocol):
    """The progress of a scan: ``run`` is the folder of its run, None before the pass has begun."""

    @property
    def run(self) -> Path | None: ...


def with_what_is_kept(stopped: Cancelled, folder: Path | None) -> Cancelled:
    """The same, saying which layers were finished and how to go on; ``folder`` is the run's, if there is one."""
    if folder is None:
        return stopped
    again = f"To go on: the same command with --out {shlex.quote(str(folder))} --resume"
    return Cancelled(layers_kept(folder), again)


def layers_kept(folder: Path) -> str:
    """How many of a run's layers are finished, and where they are."""
    from mechamap.runs.run import Run

    run = Run.open(folder)
    return f"{len(run.complete_layers)} of {len(run.layers)} layers were finished; they are kept in {folder}"


def interrupt(number: int, frame: FrameType | None) -> NoReturn:
    """The handler of Ctrl+C: it is remembered, since libraries turn an interrupt during their import into errors."""
    _received.append(number)
    raise KeyboardInterrupt


def forget_signals() -> None:
    """A command begins."""
    _received.clear()


def was_interrupted() -> bool:
    """Whether a signal came that ends the command."""
    return bool(_received)


def stop_code() -> int:
    """The exit code of a command that was stopped: 128 and the number of the signal; 130 where the user said so."""
    return 128 + (_received[0] if _received else signal.SIGINT)


@contextmanager
def stopping(cancel: threading.Event, progress: Watched, narration: Narration) -> Iterator[None]:
    """Ctrl+C, or another signal that ends processes, ends the scan after the layer it is at.

    A second one ends the process where it stands.

    Before the pass has begun there is nothing to keep, and the first one ends it at once.
    """

    def stop(number: int, frame: object) -> None:
        signal.signal(number, signal.SIG_DFL)
        _received.append(number)
        if progress.run is None:
            raise KeyboardInterrupt
        cancel.set()
        narration.say("Stopping after this layer; Ctrl+C again stops at once.")

    # What whoever started it has it ignore, as nohup does with a hang-up, it goes on ignoring.
    heard = [number for number in _ENDING if signal.getsignal(number) is not signal.SIG_IGN]
    before = {number: signal.signal(number, stop) for number in heard}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
