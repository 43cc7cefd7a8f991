"""The lock on a run: its writer holds it, and the system releases it when the writer ends, however it ends.

So a run that is being written differs from one whose scan was killed, and no two scans write the same run.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from mechamap.errors import RunError

__all__ = ["RunLock", "has_writer", "in_turn"]


_NAME = ".lock"


class RunLock:
    """Holds the lock of a run's folder until it is released.

    Raises:
        RunError: another process is writing the run.
    """

    def __init__(self, folder: Path) -> None:
        self._file = (folder / _NAME).open("ab")
        if not _try_lock(self._file, shared=False):
            self._file.close()
            raise RunError(
                f"Another scan is writing to {folder}.", "Wait until it has ended, or choose another folder."
            )

    def release(self) -> None:
        self._file.close()

    def __enter__(self) -> RunLock:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


@contextmanager
def in_turn(folder: Path, name: str) -> Iterator[None]:
    """Wait until no other process is in a block of the same folder and name.

    Where the folder cannot be written or its disk has no locks, nobody waits.
    """
    try:
        file = (folder / f".{name}.lock").open("ab")
    except OSError:
        yield
        return
    with file:
        if sys.platform != "win32":
            import fcntl

            with suppress(OSError):
                fcntl.flock(file, fcntl.LOCK_EX)
        yield


def has_writer(folder: Path) -> bool:
    """Whether some process is writing the run now; False where there never was a lock."""
    try:
        with (folder / _NAME).open("rb") as file:
            return not _try_lock(file, shared=True)
    except OSError:
        return False


def _try_lock(file: BinaryIO, *, shared: bool) -> bool:
    """Lock the file unless another has; where the system has no such locks, everything succeeds."""
    if sys.platform == "win32":
        return True
    import fcntl

    try:
        fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks
        return True
    return True
