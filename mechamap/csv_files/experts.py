"""The column ``name`` of a CSV, which says of a model with experts which of them a neuron belongs to.

The column ``neuron`` counts through all neurons of a layer, as the original's readers want one number; which expert
one belongs to is said by its name, ``L7.E3.N12``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from mechamap.layer_layout import LayerLayout
from mechamap.neurons import parse_neuron
from mechamap.run_record import LayerRows

__all__ = ["ExpertColumns", "layer_rows"]

_NAME = re.compile(r"L\d+\.(?:E\d+\.)?N\d+")


class ExpertColumns:
    """The names of neurons, in the order that they come; a column ``name`` that is none of ours is not read.

    Args:
        at: the place of each column.
        first: the cells of the first row.
    """

    def __init__(self, at: Mapping[str, int], first: Sequence[str]) -> None:
        self._name = at.get("name", -1)
        self._expert = at.get("expert", -1)
        self.names = self._name >= 0 and _NAME.fullmatch(first[self._name].strip()) is not None
        self._experts: list[int] = []
        self._indices: list[int] = []
        self._rows: dict[tuple[int, int, int], int] = {}  # of each expert's neuron: the row that named it

    def add(self, layer: int, neuron: int, number: int, row: Sequence[str]) -> tuple[str, str] | None:
        """Take the next neuron; the column that makes no sense and what is wrong with it, if one does not.

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
        if self._expert >= 0 and (said := row[self._expert].strip()) not in _spellings(expert):
            return "expert", f"{said[:40]!r} is not the expert of {cell}"
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
        numbers: what the column ``neuron`` says, which tells how the layer is laid out in the model, ``[width]``.
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
    first_of, at = np.unique(experts[routed], return_index=True)
    starts = (numbers - indices)[routed][at]  # [experts here], the number of each one's first neuron
    if len(first_of) > 1:
        each = int(starts[-1] - starts[0]) // int(first_of[-1] - first_of[0])
    elif first_of[0] > 0:
        each = int(starts[0] - shared) // int(first_of[0])
    found = LayerLayout(int(starts[0]) - int(first_of[0]) * each, count, each)
    fits = all(
        found.number(index, expert) == number
        for index, expert, number in zip(indices.tolist(), experts.tolist(), numbers.tolist(), strict=True)
    )
    return (
        found if fits and each > 0 and found.shared >= 0 else LayerLayout(shared, count, int(indices[routed].max()) + 1)
    )
