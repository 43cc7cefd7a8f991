"""Several arrays in one ``.npz`` file, never pickled."""

from __future__ import annotations

import math
import os
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from mechamap.system.bounded_files import check_is_file

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["ArrayShape", "read_arrays", "save_arrays", "write_arrays"]


@dataclass(frozen=True, slots=True)
class ArrayShape:
    """What an array of a file must be.

    Attributes:
        kind: its type and the bytes of a number, such as ``f4``.
        shape: None stands for any length up to ``most``.
    """

    kind: str
    shape: tuple[int | None, ...]
    most: int = 0

    def fits(self, kind: str, shape: tuple[int, ...]) -> bool:
        """Whether an array of that type and shape is one."""
        return (
            kind == self.kind
            and len(shape) == len(self.shape)
            and all(
                0 <= length <= self.most if wanted is None else length == wanted
                for length, wanted in zip(shape, self.shape, strict=True)
            )
        )


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


def read_arrays(path: Path, expected: Mapping[str, ArrayShape]) -> dict[str, NDArray[Any]]:
    """The arrays of a file that are expected, by name; nothing is allocated that is larger than the file.

    Raises:
        OSError: it cannot be read.
        ValueError: it holds something else, or a part of it is missing.
    """
    import numpy as np

    size = check_is_file(path)
    try:
        with zipfile.ZipFile(path) as archive:
            for name, shape in expected.items():
                _check_member(archive, name, shape, size)
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as arrays:
            return {name: arrays[name] for name in expected}
    except (OSError, MemoryError):
        raise
    except Exception as error:  # readers of archives and of headers fail in as many ways as those can be damaged
        raise ValueError(f"{path.name} is no whole file of arrays ({str(error)[:200]})") from None


def _check_member(archive: zipfile.ZipFile, name: str, expected: ArrayShape, size: int) -> None:
    """See that an array is what is expected, by its header, and lies in the file unpacked.

    Raises:
        ValueError: it is not; or whatever the readers raise for one that is damaged.
    """
    import numpy as np

    member = archive.getinfo(f"{name}.npy")
    if member.compress_type != zipfile.ZIP_STORED or member.file_size > size:
        raise ValueError(f"{name} is packed")
    with archive.open(member) as stream:
        if np.lib.format.read_magic(stream) != (1, 0):
            raise ValueError(f"{name} has a header of another version")
        shape, _, dtype = np.lib.format.read_array_header_1_0(stream)
    if dtype.hasobject or not expected.fits(f"{dtype.kind}{dtype.itemsize}", shape):
        raise ValueError(f"{name} is {dtype} of shape {shape}")
    if math.prod(shape) * dtype.itemsize > member.file_size:
        raise ValueError(f"{name} is cut short")
