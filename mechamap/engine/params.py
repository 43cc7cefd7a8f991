"""What the parameters of a request lead to: its runs."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from mechamap.csv_files.file_names import named_as_csv
from mechamap.engine.calls import Request
from mechamap.engine.progress import INTERVAL
from mechamap.events import Stage
from mechamap.protocol.messages import Progress

if TYPE_CHECKING:
    from mechamap.runs.run import Run

__all__ = ["run_at"]


def run_at(path: Path, call: Request) -> Run:
    """The run in a folder, or read from a CSV; those read last are kept.

    Reading a large CSV is told as progress, and ends where the request is cancelled.
    """
    from mechamap.runs.run import Run

    if not path.is_file() and not named_as_csv(path):
        return Run.open(path)
    return call.kept.csvs.read(path, call.stop_if_cancelled, _reading_teller(call, path.name))


def _reading_teller(call: Request, name: str) -> Callable[[float], None]:
    last_report = time.monotonic()

    def tell(share: float) -> None:
        nonlocal last_report
        call.stop_if_cancelled()
        if time.monotonic() - last_report >= INTERVAL:
            last_report = time.monotonic()
            call.progress(Progress(Stage.READ, f"reading {name}: {share:.0%}"))

    return tell
