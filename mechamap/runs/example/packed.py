"""A run in one small file: figures as numbers of their distinct values, and exactly where that matters.

A zip archive with the small files of the run's folder as they are (``run.json``, ``notes.json``), ``figures.json``, and
a member for each figure. Few of a figure's values differ once they are rounded as they are shown, so it is kept as a
list of these levels and a code for each value; the values that reports count and lists begin with stand behind them in
full. AUROC is not there, as it follows from selectivity. Unpacked, it is a run's folder like any other.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

__all__ = ["INDEX", "auroc_of", "pack_figure", "unpack_figure", "unpack_run", "write_packed"]


INDEX = "figures.json"
_RECORD = "run.json"


def pack_figure(values: NDArray[Any], exact: NDArray[np.bool_], full: NDArray[Any]) -> tuple[dict[str, Any], bytes]:
    """A figure's entry in the index, and its member.

    Args:
        values: rounded, of any shape; 4 bytes each, at most 65,536 of them distinct.
        exact: where the full values are kept, of the same shape.
        full: the full values, of the same shape and type.

    Raises:
        ValueError: more of them are distinct, or they have another type.
    """
    if values.dtype not in (np.float32, np.int32) or full.dtype != values.dtype:
        raise ValueError(f"a figure of {values.dtype} and {full.dtype} cannot be packed")
    flat = np.where(exact, values.flat[0], values).ravel()  # [n]
    levels, codes = np.unique(flat, return_inverse=True)  # [levels], [n]
    planes = 1 if len(levels) <= 256 else 2
    if len(levels) > 65_536:
        raise ValueError(f"{len(levels):,} distinct values are too many")
    places = np.flatnonzero(exact).astype(np.int32)  # [exact]
    entry = {
        "dtype": values.dtype.str,
        "shape": list(values.shape),
        "levels": len(levels),
        "planes": planes,
        "exact": len(places),
    }
    parts = [
        levels.astype(values.dtype),
        *((codes >> 8 * plane).astype(np.uint8) for plane in range(planes)),
        np.diff(places, prepend=np.int32(0)),
        full.ravel()[places],
    ]
    return entry, b"".join(part.tobytes() for part in parts)


def unpack_figure(entry: Mapping[str, Any], member: bytes) -> NDArray[Any]:
    """The figure that :func:`pack_figure` packed, in the shape that it had."""
    dtype, size = np.dtype(entry["dtype"]), int(np.prod(entry["shape"]))
    offset = 0

    def part(kind: np.dtype[Any], length: int) -> NDArray[Any]:
        nonlocal offset
        array = np.frombuffer(member, kind, length, offset)
        offset += length * kind.itemsize
        return array

    levels = part(dtype, entry["levels"])  # [levels]
    codes = part(np.dtype(np.uint8), size)  # [n]
    if entry["planes"] == 2:
        codes = codes | part(np.dtype(np.uint8), size).astype(np.uint16) << 8
    places = np.cumsum(part(np.dtype(np.int32), entry["exact"]))  # [exact]
    values = levels.take(codes)  # [n]
    values[places] = part(dtype, entry["exact"])
    return values.reshape(entry["shape"])


def auroc_of(selectivity: NDArray[np.float32]) -> NDArray[np.float32]:
    """The AUROC, of which selectivity is twice the distance from a half."""
    return np.asarray((selectivity + np.float32(1)) / np.float32(2), np.float32)


def write_packed(
    stream: BinaryIO, figures: Mapping[str, tuple[dict[str, Any], bytes]], files: Mapping[str, bytes]
) -> None:
    """Write a packed run.

    Args:
        figures: by name, as :func:`pack_figure` gives them.
        files: the other files of the run's folder, ``run.json`` among them.
    """
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        index = json.dumps({name: entry for name, (entry, _) in figures.items()})
        members = {INDEX: index.encode()} | dict(files) | {name: member for name, (_, member) in figures.items()}
        for name, content in members.items():
            fixed = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))  # the same bytes whenever it is made
            fixed.compress_type, fixed.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
            archive.writestr(fixed, content, compresslevel=9)


def unpack_run(packed: Path, folder: Path) -> None:
    """Unpack a run into a folder that exists; ``run.json`` is written last.

    Raises:
        OSError: it cannot be read, or the folder cannot be written.
    """
    with zipfile.ZipFile(packed) as archive:
        index = json.loads(archive.read(INDEX))
        for name, entry in index.items():
            figure = unpack_figure(entry, archive.read(name))
            np.save(folder / f"{name}.npy", figure, allow_pickle=False)
            if name == "selectivity":
                np.save(folder / "auroc.npy", auroc_of(figure), allow_pickle=False)
        others = [name for name in archive.namelist() if name not in index and name != INDEX]
        for name in sorted(others, key=lambda name: name == _RECORD):
            (folder / name).write_bytes(archive.read(name))
