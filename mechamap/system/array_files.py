"""Several arrays in one ``.npz`` file, never pickled."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["read_arrays", "save_arrays", "write_arrays"]


def write_arrays(path: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write a new file, which is on disk when this returns.

    Raises:
        OSError: it cannot be written.
    """
    with path.open("wb") as stream:
        save_arrays(stream, arrays)
        stream.flush()
        os.fsync(stream.fileno())


def save_arrays(stream: BinaryIO, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write arrays to an open file."""
    import numpy as np

    np.savez(stream, **arrays)  # type: ignore[arg-type]


def read_arrays(path: Path) -> dict[str, NDArray[Any]]:
    """All arrays of a file, by name.

    Raises:
        OSError: it cannot be read.
        ValueError: it holds something else, or a part of it is missing.
    """
    import numpy as np

    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as arrays:
            return {name: arrays[name] for name in arrays.files}
    except (zipfile.BadZipFile, EOFError, KeyError, AttributeError) as error:
        raise ValueError(f"{path.name} is no whole file of arrays ({error})") from None
