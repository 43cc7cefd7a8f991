"""Positions drawn from a corpus, and their activations in files: those with the smallest hashes, however it is cut.

A ``Sample`` knows which positions are drawn so far; a ``SampleFile`` holds a row of activations for each that one shard
drew. Rows of positions that others took the place of are used again while the shard is read, and left alone later.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Drawn", "Sample", "SampleFile", "sample_path"]


def sample_path(folder: Path, shard: int) -> Path:
    """The file of the activations that a shard drew."""
    return folder / f"{shard:06d}.f32"


class SampleFile:
    """Activations of drawn positions, a row each, ``[rows, neurons]`` float32; written in any order.

    Args:
        path: the file, which is made anew.
        neurons: of all layers together.
    """

    def __init__(self, path: Path, neurons: int) -> None:
        self._row_bytes = 4 * neurons
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | getattr(os, "O_BINARY", 0), 0o666)
        self._free: list[int] = []
        self._rows = 0

    def take(self, count: int) -> NDArray[np.int64]:
        """Rows that nothing stands in, ``[count]``."""
        reused = [self._free.pop() for _ in range(min(count, len(self._free)))]
        fresh = range(self._rows, self._rows + count - len(reused))
        self._rows += len(fresh)
        return np.array([*reused, *fresh], np.int64)

    def give_back(self, rows: NDArray[np.int64]) -> None:
        """Rows that are not needed any more."""
        self._free += rows.tolist()

    def write(self, rows: NDArray[np.int64], first_neuron: int, values: NDArray[np.float32]) -> None:
        """Write ``[rows, neurons of a layer]`` from ``first_neuron`` on.

        Raises:
            OSError: the disk is full or gone.
        """
        contiguous = np.ascontiguousarray(values, np.float32)
        for row, content in zip(rows.tolist(), contiguous, strict=True):
            os.pwrite(self._file, content.data, row * self._row_bytes + 4 * first_neuron)

    def close(self) -> None:
        """Sync and close it."""
        if self._file >= 0:
            os.fsync(self._file)
            os.close(self._file)
            self._file = -1

    def __enter__(self) -> SampleFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()
        elif self._file >= 0:
            os.close(self._file)
            self._file = -1


@dataclass(frozen=True, slots=True, eq=False)
class Drawn:
    """Which of some offered positions are drawn, ``index`` into them, and the rows that their activations go to."""

    index: NDArray[np.intp]  # [drawn]
    rows: NDArray[np.int64]  # [drawn]


@dataclass(slots=True, eq=False)
class Sample:
    """The positions with the smallest hashes, at most ``capacity``.

    Attributes:
        hashes, keys: ``[drawn]`` of each position.
        shards, rows: ``[drawn]`` the shard that drew it, and its row in that shard's file.
        inside: ``[drawn, categories]``, of which categories' words it is a part; no columns where nobody asks.
        ceiling: a hash above it is not drawn, because other shards have enough below it.
    """

    capacity: int
    categories: int = 0
    hashes: NDArray[np.uint64] = field(default_factory=lambda: np.zeros(0, np.uint64))
    keys: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    shards: NDArray[np.int32] = field(default_factory=lambda: np.zeros(0, np.int32))
    rows: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    inside: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, np.bool_))
    ceiling: int = 2**64 - 1

    def __post_init__(self) -> None:
        self.inside = self.inside.reshape(len(self.keys), self.categories)

    @property
    def limit(self) -> np.uint64:
        """A hash above this one has no chance."""
        if len(self.hashes) < self.capacity:
            return np.uint64(self.ceiling)
        return np.uint64(min(int(self.hashes.max()), self.ceiling))

    def offer(
        self,
        hashes: NDArray[np.uint64],
        keys: NDArray[np.int64],
        shard: int,
        file: SampleFile,
        inside: NDArray[np.bool_] | None = None,
    ) -> Drawn:
        """Draw from some new positions; those whose place they take are given back to the file if they are its own.

        Args:
            hashes, keys: ``[offered]``.
            shard: that they are in.
            file: the shard's.
            inside: ``[offered, categories]``.
        """
        likely = np.flatnonzero(hashes <= self.limit)  # [likely]
        order = _smallest(
            np.concatenate([self.hashes, hashes[likely]]), np.concatenate([self.keys, keys[likely]]), self.capacity
        )
        before = len(self.keys)
        leaving = np.setdiff1d(np.arange(before), order[order < before])
        file.give_back(self.rows[leaving[self.shards[leaving] == shard]])
        index = likely[order[order >= before] - before]
        drawn = Drawn(index, file.take(len(index)))
        staying = order[order < before]
        self.hashes = np.concatenate([self.hashes[staying], hashes[index]])
        self.keys = np.concatenate([self.keys[staying], keys[index]])
        self.shards = np.concatenate([self.shards[staying], np.full(len(index), shard, np.int32)])
        self.rows = np.concatenate([self.rows[staying], drawn.rows])
        new_inside = np.zeros((len(index), self.categories), np.bool_) if inside is None else inside[index]
        self.inside = np.concatenate([self.inside[staying], new_inside])
        return drawn

    def merge(self, other: Sample) -> None:
        """Take what another sample, of other shards, drew into account."""
        order = _smallest(
            np.concatenate([self.hashes, other.hashes]), np.concatenate([self.keys, other.keys]), self.capacity
        )
        for name in ("hashes", "keys", "shards", "rows", "inside"):
            setattr(self, name, np.concatenate([getattr(self, name), getattr(other, name)])[order])

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Its arrays by name, as :meth:`from_arrays` takes them."""
        return {name: getattr(self, name) for name in ("hashes", "keys", "shards", "rows", "inside")}

    @classmethod
    def from_arrays(cls, capacity: int, categories: int, arrays: Mapping[str, NDArray[Any]]) -> Sample:
        """The sample that gave these arrays."""
        return cls(
            capacity,
            categories,
            hashes=arrays["hashes"],
            keys=arrays["keys"],
            shards=arrays["shards"],
            rows=arrays["rows"],
            inside=arrays["inside"],
        )


def _smallest(hashes: NDArray[np.uint64], keys: NDArray[np.int64], count: int) -> NDArray[np.intp]:
    """Which have the smallest hashes, ``[at most count]``, the smaller key first where they are equal; ascending."""
    if len(hashes) <= count:
        return np.arange(len(hashes))
    order: NDArray[np.intp] = np.sort(np.lexsort((keys, hashes))[:count])
    return order
