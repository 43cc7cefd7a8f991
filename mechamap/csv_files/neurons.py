"""Which neuron each row of a CSV is about. Neurons are numbered as they first appear in the file.

The column ``neuron`` counts through all neurons of a layer, as the original's readers want one number; which expert
a neuron belongs to is in the column ``name``, ``L7.E3.N12``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from mechamap.csv_files.limits import ModelLimits
from mechamap.csv_files.numbers import WholeNumbers
from mechamap.csv_files.source import CsvSource, RowBlock
from mechamap.runs.layout import LayerLayout
from mechamap.runs.neuron_names import parse_neuron
from mechamap.runs.record import LayerRows

__all__ = ["ExpertColumns", "NeuronRows", "Numbered", "layer_rows"]


_NAME = re.compile(r"L\d+\.(?:E\d+\.)?N\d+")


class ExpertColumns:
    """The names of neurons, in the order in which they appear; a column ``name`` in another spelling is not read.

    Args:
        positions: where each column stands.
        first: the cells of the first row.
    """

    def __init__(self, positions: Mapping[str, int], first: Sequence[str]) -> None:
        self._name = positions.get("name", -1)
        self._expert = positions.get("expert", -1)
        self.names = self._name >= 0 and _NAME.fullmatch(first[self._name].strip()) is not None
        self._experts: list[int] = []
        self._indices: list[int] = []
        self._rows: dict[tuple[int, int, int], int] = {}  # of each expert's neuron: the row that named it

    def add(self, layer: int, neuron: int, number: int, row: Sequence[str]) -> tuple[str, str] | None:
        """Take the next neuron; returns the column that is wrong and what is wrong with it, None where all is right.

        Args:
            number: of the row.
        """
        cell = row[self._name].strip()
        if cell == f"L{layer}.N{neuron}":
            expert, index = -1, neuron
        elif not _NAME.fullmatch(cell):
            return "name", f"{cell[:40]!r} is not the name of a neuron"
        else:
            name = parse_neuron(cell)
            expert, index = name.expert, name.index
            if name.layer != layer or (expert < 0 and index != neuron):
                return "name", f"{cell} is not neuron {neuron} of layer {layer}"
            if (before := self._rows.setdefault((layer, expert, index), number)) != number:
                return "neuron", f"{cell} has another number in row {before}"
        if self._expert >= 0 and (expert_cell := row[self._expert].strip()) not in _spellings(expert):
            return "expert", f"{expert_cell[:40]!r} is not the expert of {cell}"
        self._experts.append(expert)
        self._indices.append(index)
        return None

    def places(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Expert (-1: none) and index of each neuron, ``[neurons]`` both."""
        return np.array(self._experts, np.int64), np.array(self._indices, np.int64)


def _spellings(expert: int) -> tuple[str, ...]:
    return (str(expert), f"{expert}.0") if expert >= 0 else ("", "-1", "-1.0")


def layer_rows(
    layer: int, first_row: int, places: NDArray[np.int64], numbers: NDArray[np.int64], side: str = ""
) -> LayerRows:
    """A layer whose rows are these neurons.

    Args:
        places: expert (-1: none) and index of each, ``[width, 2]``.
        numbers: the column ``neuron``, which shows how the layer is laid out in the model, ``[width]``.
    """
    experts, indices = places.T
    width = len(indices)
    if experts.max() < 0:
        return LayerRows(layer, first_row, width, int(indices.max()) + 1, complete=True, side=side)
    layout = _layout(experts, indices, numbers)
    d_mlp = layout.number(0, layout.experts)
    return LayerRows(layer, first_row, width, d_mlp, layout.experts, complete=True, shared=layout.shared, side=side)


def _layout(experts: NDArray[np.int64], indices: NDArray[np.int64], numbers: NDArray[np.int64]) -> LayerLayout:
    """The layout that gives each neuron its number; where none does, the smallest that holds the neurons."""
    routed = experts >= 0
    count = int(experts.max()) + 1
    each, shared = int(indices[routed].max()) + 1, int(indices[~routed].max(initial=-1)) + 1
    first_of, first_rows = np.unique(experts[routed], return_index=True)
    starts = (numbers - indices)[routed][first_rows]  # [experts here], the number of each one's first neuron
    if len(first_of) > 1:
        each = int(starts[-1] - starts[0]) // int(first_of[-1] - first_of[0])
    elif first_of[0] > 0:
        each = int(starts[0] - shared) // int(first_of[0])
    layout = LayerLayout(int(starts[0]) - int(first_of[0]) * each, count, each)
    fits = all(
        layout.number(index, expert) == number
        for index, expert, number in zip(indices.tolist(), experts.tolist(), numbers.tolist(), strict=True)
    )
    return (
        layout
        if fits and each > 0 and layout.shared >= 0
        else LayerLayout(shared, count, int(indices[routed].max()) + 1)
    )


_BITS = 32  # a neuron's number within its layer takes fewer


class Numbered(dict[int, int]):
    """Numbers keys from 0, in the order in which they are first looked up."""

    def __missing__(self, key: int) -> int:
        number = self[key] = len(self)
        return number


class NeuronRows:
    """The columns ``layer`` and ``neuron``, and ``name`` where it is MechaMap's."""

    def __init__(self, source: CsvSource, positions: dict[str, int]) -> None:
        self._wholes = WholeNumbers(source.delimiter)
        self._layer, self._neuron = positions["layer"], positions["neuron"]
        self._positions = positions
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
        numbered = np.array([*map(self._seen.__getitem__, keys[starts].tolist())], np.int64)
        highest = np.maximum.accumulate(np.concatenate([[before - 1], numbered]))
        first = starts[numbered > highest[:-1]].tolist()
        if self._experts is None:
            self._experts = ExpertColumns(self._positions, block.rows[0])
        if self._experts.names:
            for row in first:
                place = int(layers[row]), int(numbers[row])
                if wrong := self._experts.add(*place, block.numbers[row], block.rows[row]):
                    block.fail(row, *wrong)
        return np.repeat(numbered, np.diff(np.append(starts, len(keys)))), first

    def number(self, cell: str) -> int:
        """The number in a cell of these columns."""
        return self._wholes[cell]

    def name(self, neuron: int) -> str:
        """A neuron's name in remarks: by its number in the layer."""
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
        """Whether the column ``name`` tells which neurons these are."""
        return self._experts is not None and self._experts.names
