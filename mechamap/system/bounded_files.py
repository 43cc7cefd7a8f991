"""Files of others, read no further than what is believed of them: a pipe or a device in their place may never end."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO

__all__ = ["check_is_file", "read_at_most", "read_stream"]


_STEP = 2**20  # bytes of a pipe that are read at once


def check_is_file(path: Path) -> int:
    """The size of a file in bytes; whoever opens a pipe or a device in its place waits, maybe for ever.

    Raises:
        OSError: it is not there, cannot be looked at, or is a pipe, a device or a socket.
    """
    status = path.stat()
    if not (stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode)):
        raise OSError(errno.EINVAL, "it is a pipe or a device, not a file", str(path))
    return status.st_size


def read_at_most(path: Path, most: int, *, or_pipe: bool = False) -> bytes:
    """All bytes of a file.

    Args:
        most: how many it may have.
        or_pipe: whether a pipe or a device may be read as well, as a user may name one.

    Raises:
        OSError: it cannot be read, is no file, or has more.
    """
    if not or_pipe and check_is_file(path) > most:
        raise _too_large(path, most)
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        if size > most:
            raise _too_large(path, most)
        return read_stream(file, most, size)


def read_stream(stream: BinaryIO, most: int, expected: int = 0) -> bytes:
    """All bytes that come.

    Args:
        most: how many may come.
        expected: how many probably will.

    Raises:
        OSError: it cannot be read, or more came.
    """
    parts: list[bytes] = []
    total = 0
    while part := stream.read(max(_STEP, expected - total)):
        parts.append(part)
        total += len(part)
        if total > most:
            raise _too_large(getattr(stream, "name", ""), most)
    return b"".join(parts)


def _too_large(path: Path | str, most: int) -> OSError:
    return OSError(errno.EFBIG, f"it has more than {most / 1e6:,.0f} MB", str(path))
