"""Files that are replaced whole: written beside their place and moved there, so that a reader finds the old or the new.

Whatever ends the writing, a full disk or a killed process, what was there stays.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

__all__ = ["beside", "replacing", "synced"]

_LONGEST = 200  # bytes or so of a name, of the 255 that file systems take


def beside(path: Path, *, shared: bool = False) -> Path:
    """Where the new content of a file is written first: hidden, in the same folder.

    Args:
        shared: whether several processes may write the file at once, so that each needs a name of its own. Files that
            a lock protects have one name: then a process that was killed leaves no more than one behind.
    """
    return path.with_name(f".{path.name[:_LONGEST]}{f'.{os.getpid()}.part' if shared else '.new'}")


@contextmanager
def synced(path: Path) -> Iterator[BinaryIO]:
    """A file to write, which is on disk when the block ends.

    Raises:
        OSError: it cannot be written.
    """
    with path.open("wb") as stream:
        yield stream
        stream.flush()
        os.fsync(stream.fileno())


@contextmanager
def replacing(path: Path, *, shared: bool = False) -> Iterator[BinaryIO]:
    """A file to write that takes the place of ``path`` when the block ends; when it fails, ``path`` stays as it was.

    Args:
        shared: see :func:`beside`.

    Raises:
        OSError: it cannot be written.
    """
    temporary = beside(path, shared=shared)
    try:
        with synced(temporary) as stream:
            yield stream
        temporary.replace(path)
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
