"""Ctrl+C during a scan: the scan ends after the current layer, and finished layers are kept."""

from __future__ import annotations

import shlex
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from mechamap.cli.narration import Narration
from mechamap.errors import Cancelled

__all__ = ["Watched", "layers_kept", "stopping", "with_what_is_kept"]


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


@contextmanager
def stopping(cancel: threading.Event, progress: Watched, narration: Narration) -> Iterator[None]:
    """Ctrl+C ends the scan after the layer it is at; a second one ends the process where it stands.

    Before the pass has begun there is nothing to keep, and the first one ends it at once.
    """

    def stop(number: int, frame: object) -> None:
        signal.signal(number, signal.SIG_DFL)
        if progress.run is None:
            raise KeyboardInterrupt
        cancel.set()
        narration.say("Stopping after this layer; Ctrl+C again stops at once.")

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
