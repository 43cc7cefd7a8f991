"""How many weights a GGUF file holds, read from its header in milliseconds.

The reader of the ``gguf`` package makes an object of every word in the vocabulary, which takes seconds; here they are
stepped over. Layout: magic, version, counts of tensors and of keys; the keys with their values; the tensors' names,
shapes, formats and offsets (https://github.com/ggml-org/ggml/blob/master/docs/gguf.md).
"""

from __future__ import annotations

import mmap
import struct
from math import prod
from pathlib import Path

__all__ = ["gguf_parameters"]

_STRING, _ARRAY = 8, 9
_SIZES = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}  # bytes of a value, by its type


def gguf_parameters(path: Path) -> int | None:
    """The number of weights in a GGUF file, None where its header cannot be read."""
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            return _parameters(data)
    except (OSError, ValueError, KeyError, RecursionError, struct.error):
        return None


def _parameters(data: mmap.mmap) -> int | None:
    magic, version, tensors, keys = struct.unpack_from("<4sIQQ", data, 0)
    if magic != b"GGUF" or version < 2:
        return None
    at = 24
    for _ in range(keys):
        at = _behind_string(data, at)
        (kind,) = struct.unpack_from("<I", data, at)
        at = _behind_value(data, at + 4, kind)
    found = 0
    for _ in range(tensors):
        at = _behind_string(data, at)
        (dimensions,) = struct.unpack_from("<I", data, at)
        found += prod(struct.unpack_from(f"<{dimensions}Q", data, at + 4))
        at += 4 + 8 * dimensions + 12
    return found if at <= len(data) else None


def _behind_value(data: mmap.mmap, at: int, kind: int) -> int:
    if kind == _STRING:
        return _behind_string(data, at)
    if kind != _ARRAY:
        return at + _SIZES[kind]
    its, count = map(int, struct.unpack_from("<IQ", data, at))
    at += 12
    if its not in (_STRING, _ARRAY):
        return at + count * _SIZES[its]
    for _ in range(count):
        at = _behind_value(data, at, its)
    return at


def _behind_string(data: mmap.mmap, at: int) -> int:
    (length,) = struct.unpack_from("<Q", data, at)
    return at + 8 + int(length)
