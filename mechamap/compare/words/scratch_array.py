"""Room for a number per neuron and word: in memory, or where it is large in a temporary file without a name.

Nothing is left of such a file, however the program ends.
"""

from __future__ import annotations

import errno
import os
import shutil
import tempfile

import numpy as np
from numpy.typing import NDArray

from mechamap.errors import RunError
from mechamap.wording.amounts import size

__all__ = ["IN_MEMORY", "empty_rows"]


IN_MEMORY = 256 * 2**20  # bytes of one array; more are kept in a temporary file


def empty_rows(neurons: int, words: int, of: str = "words") -> NDArray[np.float32]:
    """Zeros, ``[neurons, words]``.

    Args:
        of: what the words are, for the error.

    Raises:
        RunError: they are too many for memory, and there is no room for a temporary file.
    """
    shape, needed = (neurons, words), neurons * words * 4
    if needed <= IN_MEMORY:
        return np.zeros(shape, np.float32)
    amount = f"{neurons:,} neurons over {words:,} {of} take {size(needed)}"
    hint = "Point TMPDIR to a larger disk, or compare over a shorter text."
    folder = tempfile.gettempdir()
    if shutil.disk_usage(folder).free < needed:
        raise RunError(f"{amount}, more than is free in {folder}.", hint)
    try:
        with tempfile.TemporaryFile(prefix="mechamap-words-") as file:
            _take(file.fileno(), needed)
            values: NDArray[np.float32] = np.memmap(file, np.float32, "w+", shape=shape)
    except OSError as error:
        reason = f"{folder} cannot be written: {error.strerror or error}"
        raise RunError(f"{amount}, and {reason}.", hint) from None
    return values


def _take(file: int, size: int) -> None:
    """Reserve a file's bytes on disk where possible: a disk that fills up later would end the program."""
    if hasattr(os, "posix_fallocate"):  # not on macOS
        try:
            os.posix_fallocate(file, 0, size)
        except OSError as error:
            if error.errno not in (errno.EINVAL, errno.EOPNOTSUPP, errno.ENOSYS):
                raise
