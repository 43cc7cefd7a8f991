"""Control neurons: others of the same layer, about as large, that take the place of those that are steered.

The size of a neuron is what it writes at one unit: its scale times the length of its output weights. The candidates are
those closest in both, among which a seed draws.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from mechamap.runs.neuron_names import NeuronName
from mechamap.steering.subject import LayerNeurons

__all__ = ["ALIKE", "control_sets"]


ALIKE = 24  # the closest candidates, or three for each control that is wanted


def control_sets(
    names: Sequence[NeuronName], layers: Mapping[int, LayerNeurons], count: int, seed: int
) -> list[tuple[NeuronName, ...]]:
    """Sets that each hold a control for each of the neurons, in their order; fewer where a layer is too small.

    Args:
        names: what is steered.
        layers: their layers, by number.
        count: how many sets.
        seed: of the draws.
    """
    rng = np.random.default_rng(seed)
    steered = set(names)
    drawn = [_drawn(name, layers[name.layer], steered, max(ALIKE, 3 * count), rng) for name in names]
    sets: list[tuple[NeuronName, ...]] = []
    for number in range(count):
        chosen: dict[NeuronName, None] = {}
        for candidates in drawn:
            # Each set begins at another candidate, so that sets differ in all their neurons while there are enough.
            turned = [*candidates[number:], *candidates[:number]] if number < len(candidates) else []
            control = next((candidate for candidate in turned if candidate not in chosen), None)
            if control is None:
                return sets
            chosen[control] = None
        sets.append(tuple(chosen))
    return sets


def _drawn(
    name: NeuronName, layer: LayerNeurons, steered: set[NeuronName], count: int, rng: np.random.Generator
) -> list[NeuronName]:
    """The closest ``count`` neurons of the layer (of the expert) in random order."""
    place = layer.place_of(name)
    scales, norms = _logarithm(layer.scales), _logarithm(layer.norms)  # [neurons] each
    distance = np.hypot(scales - scales[place], norms - norms[place])  # [neurons]
    distance[np.isnan(distance) | (layer.experts != name.expert)] = np.inf
    order = np.argsort(distance, kind="stable")
    order = order[np.isfinite(distance[order])]
    nearest: list[NeuronName] = []
    for candidate in order.tolist():
        if len(nearest) == count:
            break
        if (other := layer.name_at(candidate)) not in steered:
            nearest.append(other)
    return [nearest[number] for number in rng.permutation(len(nearest)).tolist()]


def _logarithm(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.log(np.maximum(values, 1e-12))  # NaN stays NaN
