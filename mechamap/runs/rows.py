"""Which neuron each row of a run is."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mechamap.errors import UsageError
from mechamap.runs.neuron_names import NeuronName
from mechamap.runs.record import LayerRows

__all__ = ["absent_neuron", "names_of_rows"]


def names_of_rows(layers: tuple[LayerRows, ...]) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int32]]:
    """Layer, expert (-1: none) and index of every row, ``[neurons]`` each."""
    layer_of, expert_of, index_of = [], [], []
    for layer in layers:
        rows = np.arange(layer.width, dtype=np.int32)
        layer_of.append(np.full(layer.width, layer.layer, dtype=np.int32))
        expert, index = np.full(layer.width, -1, dtype=np.int32), rows
        if layer.experts:  # those that all tokens go to come first
            routed = rows >= layer.shared
            per_expert = max((layer.width - layer.shared) // layer.experts, 1)
            expert = np.where(routed, (rows - layer.shared) // per_expert, -1).astype(np.int32)
            index = np.where(routed, (rows - layer.shared) % per_expert, rows).astype(np.int32)
        expert_of.append(expert)
        index_of.append(index)
    empty = np.zeros(0, dtype=np.int32)
    return (
        np.concatenate([empty, *layer_of]),
        np.concatenate([empty, *expert_of]),
        np.concatenate([empty, *index_of]),
    )


def absent_neuron(name: NeuronName, indices: NDArray[np.int32], experts: NDArray[np.int32]) -> UsageError:
    """The error for a neuron that a run does not have, from the indices and experts of its layer's rows."""
    routed = experts >= 0
    if not routed.any():
        layer = f"layer {name.layer} has {len(indices):,} neurons here, {_from_to('N', indices)}"
        return UsageError(f"{name} is not in this run: {layer}.")
    dense = "" if routed.all() else f"{_from_to('N', indices[~routed])} and "
    ranges = f"experts {_from_to('E', experts[routed])} with {_from_to('N', indices[routed])} each"
    return UsageError(
        f"{name} is not here: layer {name.layer} has {dense}{ranges}.",  # short: a prompt has one line for it
        f"An expert's neuron is called L{name.layer}.E0.N{name.index}." if name.expert < 0 else "",
    )


def _from_to(letter: str, numbers: NDArray[np.int32]) -> str:
    return f"{letter}{numbers.min()} to {letter}{numbers.max()}"
