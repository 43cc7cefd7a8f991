"""Neurons' activations over words as rows of length 1 around 0, so that a product of two rows is their correlation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

__all__ = ["ArrayRows", "NeuronRows", "UnitRows", "gathered", "standardised", "unit_blocks", "unit_slabs"]


SLAB_BYTES = 256 * 2**20  # of one model's rows that are held at a time
CHUNK_BYTES = 16 * 2**20
LEAST_VARIATION = 1e-5  # of a row's length; below, what varies is rounding


class NeuronRows(Protocol):
    """A model's activations over words, ``[neurons, words]``, read some rows at a time."""

    @property
    def shape(self) -> tuple[int, int]:
        """Neurons and words."""

    @property
    def layer_slices(self) -> Sequence[slice]:
        """The rows of each layer that has any."""

    def block(self, rows: slice | NDArray[np.intp]) -> NDArray[np.float32]:
        """``[rows, words]`` float32; the caller may change it."""


@dataclass(frozen=True, slots=True)
class ArrayRows:
    """Activations that are in memory; one layer where no layers are given."""

    values: NDArray[np.float32]  # [neurons, words]
    layers: tuple[slice, ...] = ()

    @property
    def shape(self) -> tuple[int, int]:
        return len(self.values), self.values.shape[1]

    @property
    def layer_slices(self) -> Sequence[slice]:
        return self.layers or (slice(0, len(self.values)),)

    def block(self, rows: slice | NDArray[np.intp]) -> NDArray[np.float32]:
        return np.array(self.values[rows], np.float32)


@dataclass(frozen=True, slots=True)
class UnitRows:
    """Rows of mean 0 and length 1, and which neurons they are; those that do not vary are left out."""

    values: NDArray[np.float32]  # [those that vary, words]
    rows: NDArray[np.intp]  # [those that vary]


def standardised(block: NDArray[np.float32], first: int = 0) -> UnitRows:
    """Rows ``[rows, words]`` made mean 0 and length 1; ``block`` is overwritten.

    Left out are rows that do not vary, or by no more than rounding, and those with values that are not finite.

    Args:
        first: the number of the first row.
    """
    words = block.shape[1]
    with np.errstate(invalid="ignore", over="ignore"):
        mean = block.mean(axis=1, dtype=np.float64)  # [rows]
        block -= mean.astype(np.float32)[:, None]
        squares = np.vecdot(block, block).astype(np.float64)  # [rows]
        if not np.isfinite(squares).all():  # finite values may have squares that are not
            squares = np.square(block, dtype=np.float64).sum(axis=1)
        varies = squares > LEAST_VARIATION**2 * (squares + words * mean**2)  # false for NaN
        varies &= np.isfinite(squares)
    if not varies.all():
        block, squares = block[varies], squares[varies]
    block /= np.sqrt(squares).astype(np.float32)[:, None]
    return UnitRows(block, np.flatnonzero(varies) + first)


def unit_blocks(source: NeuronRows, rows: int) -> Iterator[UnitRows]:
    """The neurons that vary, a block of the source's rows at a time."""
    neurons = source.shape[0]
    for first in range(0, neurons, rows):
        block = standardised(source.block(slice(first, min(first + rows, neurons))), first)
        if len(block.rows):
            yield block


def unit_slabs(source: NeuronRows) -> Iterator[UnitRows]:
    """The neurons that vary, in as few large pieces as memory for one allows."""
    words = source.shape[1]
    return gathered(unit_blocks(source, max(CHUNK_BYTES // (4 * max(words, 1)), 1)), source.shape)


def gathered(blocks: Iterator[UnitRows], shape: tuple[int, int]) -> Iterator[UnitRows]:
    """Blocks put together into as few pieces as memory for one allows, in one buffer that each piece overwrites."""
    neurons, words = shape
    room = min(max(SLAB_BYTES // (4 * max(words, 1)), 1), neurons)
    values, rows, used = np.empty((room, words), np.float32), np.empty(room, np.intp), 0
    for block in blocks:
        done = 0
        while done < len(block.rows):
            take = min(room - used, len(block.rows) - done)
            values[used : used + take] = block.values[done : done + take]
            rows[used : used + take] = block.rows[done : done + take]
            used, done = used + take, done + take
            if used == room:
                yield UnitRows(values, rows)
                used = 0
    if used:
        yield UnitRows(values[:used], rows[:used])
