"""Where unexpected failures are recorded: the traceback goes to a file, which is named to the user."""

from __future__ import annotations

import os
import platform
import traceback
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from mechamap.system.paths import home, privately

__all__ = ["failure_report", "log_folder", "record_failure", "rotate"]


ROTATE_BYTES = 1_000_000
_PACKAGES = ("torch", "transformers", "tokenizers", "textual", "numpy")
_EVENTS = 12  # lines of the log


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
        with open(file, "a", encoding="utf-8", errors="backslashreplace", opener=privately) as log:
            log.write(f"--- {datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC, version {__version__}, {doing}\n{lines}\n")
    except OSError:
        return None
    return file


def failure_report(error: BaseException, doing: str) -> str:
    """What a maintainer needs to know of a failure: versions, where it was, what happened before.

    Neither the error's text nor anything that a user wrote is in it, so that it can be sent to somebody.
    """
    from importlib.metadata import PackageNotFoundError, version

    from mechamap import __version__

    versions = [f"MechaMap {__version__}", f"Python {platform.python_version()} on {platform.platform()}"]
    for package in _PACKAGES:
        with suppress(PackageNotFoundError):
            versions.append(f"{package} {version(package)}")
    frames = [
        f"  {'/'.join(Path(frame.filename).parts[-3:])}:{frame.lineno} in {frame.name}"
        for frame in traceback.extract_tb(error.__traceback__)
    ]
    return "\n".join(
        (", ".join(versions), f"{type(error).__name__} {doing}, at", *frames[-_EVENTS:], "before it:", *_last_events())
    )


def _last_events() -> list[str]:
    """The last lines of the log, which hold no text of the user's."""
    try:
        with (log_folder() / "mechamap.log").open("rb") as log:
            log.seek(max(log.seek(0, os.SEEK_END) - 4096, 0))
            lines = log.read().decode("utf-8", "replace").splitlines()
    except OSError:
        return []
    return [f"  {line}" for line in lines[-_EVENTS:]]
