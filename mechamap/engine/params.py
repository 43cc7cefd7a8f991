"""What the engine's methods read from their calls, and what they tell while a model is loaded."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from mechamap.csv_files.file_names import named_as_csv
from mechamap.engine.calls import Request
from mechamap.engine.progress import INTERVAL, ProgressTicker
from mechamap.errors import Cancelled
from mechamap.events import Stage
from mechamap.protocol import rpc
from mechamap.protocol.rpc import RpcFault
from mechamap.system.paths import user_path

if TYPE_CHECKING:
    from mechamap.config.scan_config import ScanConfig
    from mechamap.runs.run import Run

__all__ = [
    "given_config",
    "given_number",
    "given_path",
    "given_run",
    "given_runs",
    "given_text",
    "given_text_or_none",
    "given_whole",
    "stage_teller",
    "stop_if_cancelled",
]


def stage_teller(call: Request, ticker: ProgressTicker) -> Callable[[Stage, str], None]:
    def enter(stage: Stage, detail: str) -> None:
        stop_if_cancelled(call)  # between the steps of loading is the only place where loading can stop
        ticker.stage(stage, detail)

    return enter


def stop_if_cancelled(call: Request) -> None:
    if call.cancel.is_set():
        raise Cancelled("It was cancelled before it was done.")


def given_run(call: Request) -> Run:
    """The run that a request is about; reading a large CSV is told as progress, and ends where it is cancelled."""
    return _run_at(given_text(call, "run"), call)


LOOK = 0.1  # seconds between two looks at whether a request that waits for another's reading was cancelled
CSVS_KEPT = 2  # as many as are compared with one another; a large one takes half a minute to read
_CSVS: dict[tuple[str, int, int], Run] = {}
_READING = threading.Lock()  # requests that need not wait for a scan have threads of their own


def _run_at(given: str, call: Request) -> Run:
    """The run in a folder, or read from a CSV; those read last are kept."""
    from mechamap.runs.run import Run

    path = Path(given)
    if not path.is_file() and not named_as_csv(path):
        return Run.open(path)
    from mechamap.csv_files.run import read_csv

    try:
        status = path.stat()
        key = (given, status.st_mtime_ns, status.st_size)
    except OSError:
        return read_csv(path)  # which says what is wrong
    while not _READING.acquire(timeout=LOOK):
        stop_if_cancelled(call)
    try:
        if key not in _CSVS:
            found = read_csv(path, _reading_teller(call, path.name))
            while len(_CSVS) >= CSVS_KEPT:
                del _CSVS[next(iter(_CSVS))]
            _CSVS[key] = found
        return _CSVS[key]
    finally:
        _READING.release()


def _reading_teller(call: Request, name: str) -> Callable[[float], None]:
    told = time.monotonic()

    def tell(share: float) -> None:
        nonlocal told
        stop_if_cancelled(call)
        if time.monotonic() - told >= INTERVAL:
            told = time.monotonic()
            call.progress({"stage": Stage.READ, "detail": f"reading {name}: {share:.0%}"})

    return tell


def given_runs(call: Request) -> list[Run]:
    paths = call.params.get("runs")
    if not isinstance(paths, list) or len(paths) < 2 or not all(isinstance(path, str) and path for path in paths):
        raise RpcFault(rpc.INVALID_PARAMS, f"{call.method} needs runs, a list of two folders or CSV files or more.")
    return [_run_at(path, call) for path in paths]


def given_text(call: Request, name: str) -> str:
    value = call.params.get(name)
    if not isinstance(value, str) or not value:
        raise RpcFault(rpc.INVALID_PARAMS, f"{call.method} needs {name}, as text.")
    return value


def given_text_or_none(call: Request, name: str) -> str | None:
    value = call.params.get(name)
    if value is not None and (not isinstance(value, str) or not value):
        raise RpcFault(rpc.INVALID_PARAMS, f"{name} is a text, or null.")
    return value


def given_number(call: Request, name: str) -> float | None:
    value = call.params.get(name)
    if value is None:
        return None
    if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value):
        raise RpcFault(rpc.INVALID_PARAMS, f"{name} is a number, or null.")
    return float(value)


def given_whole(call: Request, name: str) -> int | None:
    value = call.params.get(name)
    if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value < 1):
        raise RpcFault(rpc.INVALID_PARAMS, f"{name} is a whole number of at least 1, or null.")
    return value


def given_path(call: Request, name: str) -> Path | None:
    return user_path(given_text(call, name)) if call.params.get(name) is not None else None


def given_config(call: Request) -> ScanConfig:
    """The settings of a scan: ``config``, keys that differ from those of ``config_file`` or of the default config."""
    from mechamap.config.schema import load_config, with_overrides

    changes = call.params.get("config") or {}
    if not isinstance(changes, dict):
        raise RpcFault(rpc.INVALID_PARAMS, "config is an object of changed keys, or null.")
    return with_overrides(load_config(given_path(call, "config_file")), **changes)
