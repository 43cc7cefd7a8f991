"""Archives of arrays: read where they hold what is expected, refused before anything larger than they are is made."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mechamap.system.array_files import ArrayShape, read_arrays, write_arrays

EXPECTED = {"values": ArrayShape("f4", (3, 4)), "keys": ArrayShape("i8", (None,), 10)}
ARRAYS: dict[str, Any] = {"values": np.arange(12, dtype=np.float32).reshape(3, 4), "keys": np.arange(7)}


def test_what_was_written_is_read(tmp_path: Path) -> None:
    write_arrays(tmp_path / "a.npz", ARRAYS | {"of a newer version": np.zeros(3)})
    read = read_arrays(tmp_path / "a.npz", EXPECTED)
    assert read.keys() == ARRAYS.keys()
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(read[name], array)


@pytest.mark.parametrize(
    "changed",
    [
        {"values": np.zeros((3, 5), np.float32)},
        {"values": np.zeros((3, 4))},
        {"values": np.zeros((3, 4), np.complex64)},
        {"values": np.zeros((3, 4), "M8[s]")},
        {"keys": np.arange(11)},
        {"keys": np.zeros((7, 1), np.int64)},
        {"keys": None},
    ],
    ids=str,
)
def test_other_arrays_are_refused(tmp_path: Path, changed: dict[str, Any]) -> None:
    arrays = {name: array for name, array in (ARRAYS | changed).items() if array is not None}
    write_arrays(tmp_path / "a.npz", arrays)
    with pytest.raises(ValueError, match=r"a\.npz is no whole file of arrays"):
        read_arrays(tmp_path / "a.npz", EXPECTED)


def test_objects_are_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", values=np.array([[print] * 4] * 3), keys=ARRAYS["keys"])
    with pytest.raises(ValueError, match="no whole file of arrays"):
        read_arrays(tmp_path / "a.npz", EXPECTED)


def test_a_packed_file_is_refused_as_it_may_unpack_to_anything(tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / "a.npz", **ARRAYS)
    with pytest.raises(ValueError, match="values is packed"):
        read_arrays(tmp_path / "a.npz", EXPECTED)


def test_a_header_that_says_more_than_there_is_is_refused(tmp_path: Path) -> None:
    write_arrays(tmp_path / "whole.npz", {"values": np.zeros((3, 4), np.float32)})
    with zipfile.ZipFile(tmp_path / "whole.npz") as archive:
        content = archive.read("values.npy").replace(b"(3, 4), }" + b" " * 14, b"(3, 400000000000), }" + b" " * 3)
    assert b"400000000000" in content
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("values.npy", content)
    with pytest.raises(ValueError, match="values is cut short"):
        read_arrays(tmp_path / "a.npz", {"values": ArrayShape("f4", (3, 400_000_000_000))})


@pytest.mark.parametrize("keep", [0, 10, 100, 300, -30])
def test_a_file_that_is_cut_short_is_refused(tmp_path: Path, keep: int) -> None:
    write_arrays(tmp_path / "a.npz", ARRAYS)
    (tmp_path / "a.npz").write_bytes((tmp_path / "a.npz").read_bytes()[:keep])
    with pytest.raises(ValueError, match="no whole file of arrays"):
        read_arrays(tmp_path / "a.npz", EXPECTED)
