"""Files that are replaced whole: written beside their place and moved there, so that a reader finds the old or the new.

Whatever ends the writing, a full disk or a killed process, what was there stays; what a killed process left beside it
is removed by the next one that writes there. A link under the name beside is never followed: a run may be somebody
else's.
"""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from mechamap.system.bounded_files import check_is_file
from mechamap.system.leftovers import lock_as_owner, own_name, remove_abandoned

__all__ = ["beside", "replacing", "synced"]

_LONGEST = 200  # bytes or so of a name, of the 255 that file systems take


def beside(path: Path, *, shared: bool = False) -> Path:
    """Where the new content of a file is written first: hidden, in the same folder.

    Args:
        shared: whether several processes may write the file at once, so that each needs a name of its own. Files that
            a lock protects have one name: then a process that was killed leaves no more than one behind.
    """
    name = path.name[:_LONGEST]
    return path.with_name(own_name(name) if shared else f".{name}.new")


@contextmanager
def synced(path: Path) -> Iterator[BinaryIO]:
    """A new file to write, which is on disk when the block ends; one of that name is removed first.

    Raises:
        OSError: it cannot be written.
    """
    path.unlink(missing_ok=True)
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666)
    lock_as_owner(file)
    with os.fdopen(file, "wb") as stream:
        yield stream
        stream.flush()
        os.fsync(stream.fileno())


@contextmanager
def replacing(path: Path, *, shared: bool = False) -> Iterator[BinaryIO]:
    """A file to write that takes the place of ``path`` when the block ends; when it fails, ``path`` stays as it was.

    Args:
        shared: see :func:`beside`.

    Raises:
        OSError: it cannot be written, or is a pipe or a device, which no file takes the place of.
    """
    with suppress(FileNotFoundError):
        check_is_file(path)
    temporary = beside(path, shared=shared)
    if shared:
        remove_abandoned(path.parent.glob(f".{glob.escape(path.name[:_LONGEST])}.*.part"))
    try:
        with synced(temporary) as stream:
            yield stream
        temporary.replace(path)
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
