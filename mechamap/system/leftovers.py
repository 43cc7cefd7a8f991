"""What belongs to a process that may be killed: who owns it, and what dead ones left.

A file, or a folder by the file in it, is owned by the process whose number is in the name and which holds a lock on it.
The system releases the lock however the process ends, on other machines that share the disk too; so whoever gets it
knows that the owner is gone.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
import tempfile
import time
import weakref
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

__all__ = ["OwnFolder", "lock_as_owner", "own_name", "remove_abandoned"]


_OWNED = re.compile(r"\.(\d+)-[0-9a-f]{8}\.part$")
_YOUNG = 60.0  # seconds in which a file may have an owner on another machine that has not locked it yet


def own_name(name: str) -> str:
    """A hidden name that nobody can guess and that says which process owns what it names."""
    return f".{name}.{os.getpid()}-{os.urandom(4).hex()}.part"


def lock_as_owner(file: int) -> None:
    """Lock an open file until it is closed; where the system has no such locks, nothing happens."""
    if sys.platform == "win32":
        return
    import fcntl

    with suppress(OSError):
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def remove_abandoned(paths: Iterable[Path]) -> None:
    """Remove those of some files, named by :func:`own_name`, whose owner is gone; whatever cannot be removed stays."""
    for path in paths:
        with suppress(OSError):
            if _is_abandoned(path):
                path.unlink(missing_ok=True)


class OwnFolder:
    """A folder among temporary files (``TMPDIR``), readable by its user alone, that is removed with its process.

    Folders of the same kind that killed processes left are removed first.

    Args:
        kind: a word of its name.
    """

    def __init__(self, kind: str) -> None:
        prefix = f"mechamap-{kind}-"
        for folder in Path(tempfile.gettempdir()).glob(f"{prefix}*"):
            with suppress(OSError):
                if any(_is_abandoned(mark) for mark in folder.glob(".owner.*.part")):
                    shutil.rmtree(folder, ignore_errors=True)
        self.path = Path(tempfile.mkdtemp(prefix=prefix))
        mark = os.open(self.path / own_name("owner"), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        lock_as_owner(mark)
        self._removal = weakref.finalize(self, _remove, self.path, mark)

    def remove(self) -> None:
        """Remove it now."""
        self._removal()


def _remove(folder: Path, mark: int) -> None:
    with suppress(OSError):
        os.close(mark)
    shutil.rmtree(folder, ignore_errors=True)


def _is_abandoned(path: Path) -> bool:
    owner = _OWNED.search(path.name)
    if owner is None or sys.platform == "win32":
        return False
    if _lives(int(owner[1])) and time.time() - path.lstat().st_mtime < _YOUNG:
        return False
    import fcntl

    file = os.open(path, os.O_RDWR | os.O_NOFOLLOW)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:  # its owner holds it, or the disk has no locks, and then nobody knows
        return False
    finally:
        os.close(file)
    return True


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        pass
    return True
