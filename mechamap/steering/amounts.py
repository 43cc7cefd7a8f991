"""What a strength means for each neuron: how much is added to it, or what it is set to."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from mechamap.errors import UsageError
from mechamap.protocol.steering import Mode
from mechamap.runs.neuron_names import NeuronName
from mechamap.steering.hooks import NeuronChange
from mechamap.steering.subject import LayerNeurons

__all__ = ["changes_of", "control_changes", "refuse_unknown_scales"]


def changes_of(
    names: Sequence[NeuronName], layers: Mapping[int, LayerNeurons], mode: Mode, strength: float
) -> list[NeuronChange]:
    """What is done to each neuron at a strength.

    ``add`` and ``set``: strength x sign x scale, added to the activation or in its place; ``zero`` and ``mean`` know no
    strength.
    """
    changes = []
    for name in names:
        layer = layers[name.layer]
        place = layer.place_of(name)
        if mode in ("add", "set"):
            value = strength * float(layer.signs[place]) * float(layer.scales[place])
        else:
            value = float(layer.means[place]) if mode == "mean" else 0.0
        changes.append(NeuronChange(name, value, adds=mode == "add"))
    return changes


def control_changes(
    controls: Sequence[NeuronName],
    names: Sequence[NeuronName],
    layers: Mapping[int, LayerNeurons],
    mode: Mode,
    strength: float,
) -> list[NeuronChange]:
    """The same for controls, which take the places of ``names``.

    What is added to a control is at least as long in the residual stream as what is added to the neuron whose place it
    takes: a neuron that is larger than all others of its layer is not beyond them for that alone.
    """
    changes = changes_of(controls, layers, mode, strength)
    if mode != "add":
        return changes
    grown = []
    for change, name in zip(changes, names, strict=True):
        own, wanted = _written(change.neuron, layers), _written(name, layers)
        factor = max(1.0, wanted / own) if own > 0 else 1.0
        grown.append(NeuronChange(change.neuron, factor * change.value, adds=True))
    return grown


def refuse_unknown_scales(names: Sequence[NeuronName], layers: Mapping[int, LayerNeurons], mode: Mode) -> None:
    """Refuse neurons whose strengths would mean nothing.

    Raises:
        UsageError: the activations of one are not finite, or all of them are zero wherever the text was read.
    """
    if mode in ("zero", "mean"):
        return
    scales = {name: float(layers[name.layer].scales[layers[name.layer].place_of(name)]) for name in names}
    unknown = [str(name) for name, scale in scales.items() if not math.isfinite(scale)]
    if unknown:
        more = f" (and of {len(unknown) - 1:,} more)" if len(unknown) > 1 else ""
        raise UsageError(
            f"The scale of {unknown[0]}{more} is unknown: the text has no finite activation of it.",
            "Zero it instead (mode zero), or scan a longer text.",
        )
    if not any(scales.values()):
        raise UsageError(
            f"{next(iter(scales))} is zero at every token of the text, so its strengths have no unit.",
            "Choose a neuron that is active in the text, or scan a longer one.",
        )


def _written(name: NeuronName, layers: Mapping[int, LayerNeurons]) -> float:
    """How long what a neuron writes at one unit is."""
    layer = layers[name.layer]
    place = layer.place_of(name)
    return float(layer.scales[place] * layer.norms[place])
