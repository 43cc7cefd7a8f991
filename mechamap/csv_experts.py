"""The columns that the CSV of a model with experts has behind the original's: ``name`` and ``tokens``.

The column ``neuron`` counts through all neurons of a layer, as the original's readers want one number; which expert
one belongs to is said by its name, ``L7.E3.N12``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mechamap.layer_layout import LayerLayout
from mechamap.neurons import parse_neuron
from mechamap.run_record import LayerRows

__all__ = ["ExpertColumns", "layer_rows"]

_NAME = re.compile(r"L\d+\.(?:E\d+\.)?N\d+")


class ExpertColumns:
    """What the file says of each neuron, in the order that they come; a ``name`` that is none of ours is not read."""

    def __init__(self, header: Sequence[str], first: Sequence[str]) -> None:
        at = header.index("name") if "name" in header else None
        self._name = at if at is not None and len(first) > at and _NAME.fullmatch(first[at].strip()) else None
        self._tokens = header.index("tokens") if self._name is not None and "tokens" in header else None
        self._experts: list[int] = []
        self._indices: list[int] = []
        self._counts: list[float] = []

    @property
    def read(self) -> tuple[str, ...]:
        """The columns that are read."""
        return (*(("name",) * (self._name is not None)), *(("tokens",) * (self._tokens is not None)))

    def add(self, layer: int, neuron: int, row: Sequence[str]) -> tuple[str, str] | None:
        """Take the next neuron; the column that makes no sense and what is wrong with it, if one does not."""
        if self._name is None:
            self._experts.append(-1)
            self._indices.append(neuron)
            return None
        cell = row[self._name].strip()
        if not _NAME.fullmatch(cell):
            return "name", f"{cell[:40]!r} is not the name of a neuron"
        name = parse_neuron(cell)
        if name.layer != layer or (name.expert < 0 and name.index != neuron):
            return "name", f"{cell} is not neuron {neuron} of layer {layer}"
        self._experts.append(name.expert)
        self._indices.append(name.index)
        if self._tokens is not None:
            count = row[self._tokens].strip()
            if count and not count.isdecimal():
                return "tokens", f"{count[:40]!r} is no number from 0"
            self._counts.append(float(count) if count else np.nan)
        return None

    def places(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Expert (-1: none) and index of each neuron, ``[neurons]`` both."""
        return np.array(self._experts, np.int64), np.array(self._indices, np.int64)

    def tokens(self) -> NDArray[np.float32] | None:
        """Over how many tokens each neuron's figures run, ``[neurons]``; None where the file does not say."""
        return np.array(self._counts, np.float32) if self._tokens is not None else None


def layer_rows(layer: int, first_row: int, places: NDArray[np.int64], numbers: NDArray[np.int64]) -> LayerRows:
    """A layer whose rows are these neurons.

    Args:
        places: expert (-1: none) and index of each, ``[width, 2]``.
        numbers: what the column ``neuron`` says, which tells how the layer is laid out in the model, ``[width]``.
    """
    experts, indices = places.T
    width = len(indices)
    if experts.max() < 0:
        return LayerRows(layer, first_row, width, int(indices.max()) + 1, complete=True)
    layout = _layout(experts, indices, numbers)
    d_mlp = layout.number(0, layout.experts)
    return LayerRows(layer, first_row, width, d_mlp, layout.experts, complete=True, shared=layout.shared)


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
