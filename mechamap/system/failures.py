"""Where unexpected failures are recorded: the traceback goes to a file, which is named to the user."""

from __future__ import annotations

import traceback
from datetime import UTC, datetime
from pathlib import Path

from mechamap.system.paths import home

__all__ = ["log_folder", "record_failure", "rotate"]


ROTATE_BYTES = 1_000_000


def log_folder() -> Path:
    return home() / "log"


def rotate(file: Path) -> None:
    """Move a log that has grown past a megabyte aside, to ``<name>.1``; one earlier log is kept."""
    if file.exists() and file.stat().st_size > ROTATE_BYTES:
        file.replace(file.with_name(file.name + ".1"))


def record_failure(error: BaseException, doing: str) -> Path | None:
    """Append an unexpected error with its traceback to ``log/failures.log``; None if even that cannot be written."""
    from mechamap import __version__

    file = log_folder() / "failures.log"
    lines = "".join(traceback.format_exception(error))
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        rotate(file)
        with file.open("a", encoding="utf-8", errors="backslashreplace") as log:
            log.write(f"--- {datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC, version {__version__}, {doing}\n{lines}\n")
    except OSError:
        return None
    return file
