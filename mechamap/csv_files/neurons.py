"""Which neuron each row of a CSV is about. Neurons are numbered as they first appear in the file."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mechamap.csv_files.experts import ExpertColumns
from mechamap.csv_files.limits import ModelLimits
from mechamap.csv_files.numbers import WholeNumbers
from mechamap.csv_files.source import CsvSource, RowBlock

__all__ = ["NeuronRows", "Numbered"]

_BITS = 32  # a neuron's number within its layer takes fewer


class Numbered(dict[int, int]):
    """Numbers what is looked up, from 0, in the order that it first is."""

    def __missing__(self, key: int) -> int:
        number = self[key] = len(self)
        return number


class NeuronRows:
    """The columns ``layer`` and ``neuron``, and ``name`` where it is MechaMap's."""

    def __init__(self, source: CsvSource, at: dict[str, int]) -> None:
        self._wholes = WholeNumbers(source.delimiter)
        self._layer, self._neuron = at["layer"], at["neuron"]
        self._at = at
        self._seen = Numbered()  # by layer and number in one
        self._experts: ExpertColumns | None = None
        self.limits: ModelLimits | None = None

    def __len__(self) -> int:
        return len(self._seen)

    def add(self, block: RowBlock) -> tuple[NDArray[np.int64], list[int]]:
        """The neuron of each of a block's rows, ``[rows]``, and the places of rows that are a neuron's first.

        Raises:
            RunError: a number or name that makes no sense, or is beyond the model, by row and column.
        """
        layers = self._wholes.of(block, "layer", block.column(self._layer))  # [rows]
        numbers = self._wholes.of(block, "neuron", block.column(self._neuron))  # [rows]
        if self.limits is not None:
            self.limits.check(block, layers, numbers)
        keys = layers << _BITS | numbers
        starts = np.flatnonzero(np.concatenate([[True], keys[1:] != keys[:-1]]))  # rows of one neuron mostly follow
        before = len(self._seen)
        found = np.array([*map(self._seen.__getitem__, keys[starts].tolist())], np.int64)
        highest = np.maximum.accumulate(np.concatenate([[before - 1], found]))
        first = starts[found > highest[:-1]].tolist()
        if self._experts is None:
            self._experts = ExpertColumns(self._at, block.rows[0])
        if self._experts.names:
            for at in first:
                place = int(layers[at]), int(numbers[at])
                if wrong := self._experts.add(*place, block.numbers[at], block.rows[at]):
                    block.fail(at, *wrong)
        return np.repeat(found, np.diff(np.append(starts, len(keys)))), first

    def number(self, cell: str) -> int:
        """The number that a cell of these columns says."""
        return self._wholes[cell]

    def name(self, neuron: int) -> str:
        """What one of them is called in remarks: by its number in the layer."""
        key = next(key for key, number in self._seen.items() if number == neuron)
        return f"L{key >> _BITS}.N{key % (1 << _BITS)}"

    def places(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Layer, expert (-1: none) and index of each, ``[neurons, 3]``, and the number in its layer, ``[neurons]``."""
        keys = np.fromiter(self._seen, np.int64, len(self._seen))
        layers, numbers = keys >> _BITS, keys % (1 << _BITS)
        named = self._experts.places() if self._experts is not None and self._experts.names else None
        experts, indices = named if named is not None else (np.full(len(keys), -1, np.int64), numbers)
        return np.stack([layers, experts, indices], axis=1), numbers

    @property
    def named(self) -> bool:
        """Whether the names in the file say which neurons these are."""
        return self._experts is not None and self._experts.names
