"""What the parameters of a request lead to: its runs and its settings."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mechamap.csv_files.file_names import named_as_csv
from mechamap.engine.calls import Request
from mechamap.engine.progress import INTERVAL
from mechamap.events import Stage
from mechamap.protocol.messages import Progress

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mechamap.config.scan_config import ScanConfig
    from mechamap.runs.run import Run

__all__ = ["config_of", "run_at"]


LOOK = 0.1  # seconds between two looks at whether a request that waits for another's reading was cancelled
CSVS_KEPT = 2  # as many as are compared with one another; a large one takes half a minute to read
_CSVS: dict[tuple[Path, int, int], Run] = {}
_READING = threading.Lock()  # requests that need not wait for a scan have threads of their own


def run_at(path: Path, call: Request) -> Run:
    """The run in a folder, or read from a CSV; those read last are kept.

    Reading a large CSV is told as progress, and ends where the request is cancelled.
    """
    from mechamap.runs.run import Run

    if not path.is_file() and not named_as_csv(path):
        return Run.open(path)
    from mechamap.csv_files.run import read_csv

    try:
        status = path.stat()
        key = (path, status.st_mtime_ns, status.st_size)
    except OSError:
        return read_csv(path)  # which says what is wrong
    while not _READING.acquire(timeout=LOOK):
        call.stop_if_cancelled()
    try:
        if key not in _CSVS:
            run = read_csv(path, _reading_teller(call, path.name))
            while len(_CSVS) >= CSVS_KEPT:
                del _CSVS[next(iter(_CSVS))]
            _CSVS[key] = run
        return _CSVS[key]
    finally:
        _READING.release()


def _reading_teller(call: Request, name: str) -> Callable[[float], None]:
    last_report = time.monotonic()

    def tell(share: float) -> None:
        nonlocal last_report
        call.stop_if_cancelled()
        if time.monotonic() - last_report >= INTERVAL:
            last_report = time.monotonic()
            call.progress(Progress(Stage.READ, f"reading {name}: {share:.0%}"))

    return tell


def config_of(file: Path | None, changes: Mapping[str, Any] | None) -> ScanConfig:
    """The settings of a scan: ``changes`` to keys of a config file, or of the default config."""
    from mechamap.config.schema import load_config, with_overrides

    return with_overrides(load_config(file), **(changes or {}))
