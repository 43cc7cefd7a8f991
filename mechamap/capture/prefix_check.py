"""Whether a model's neurons are the same behind a cached prefix as in the whole window, looked at on a few windows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from mechamap.capture.hooked_pass import LayerCallback, PassSettings, capture_layers
from mechamap.capture.prefixed_batches import CachedGroup, capture_groups
from mechamap.capture.shared_prefixes import PrefixGroup
from mechamap.models.loaded import LoadedModel
from mechamap.models.neurons.layers import NeuronLayer
from mechamap.models.neurons.weights import packing_tolerance
from mechamap.models.proof import TOLERANCE
from mechamap.text.tokenize import TokenizedText

__all__ = ["FORWARDS", "difference_from_whole", "relative_difference"]

_GROUPS, _WINDOWS = 2, 3  # how many groups are looked at, and how many windows of each at least
FORWARDS = 1 + _GROUPS  # of one check: the windows whole, and the rest of those of each group


def difference_from_whole(
    loaded: LoadedModel,
    tokenized: TokenizedText,
    groups: Sequence[CachedGroup],
    layers: Sequence[NeuronLayer],
    settings: PassSettings,
) -> str:
    """Run a few windows in both ways and compare the wanted positions' activations in every layer.

    The windows are from the groups that have most of them, and of different lengths, so that some of them are padded.

    Returns:
        Where they differ by more than the proof of the neurons allows; empty where they are the same.
    """
    largest = sorted(groups, key=lambda each: len(each.group.whole) * bool(each.group.length), reverse=True)
    few = [replace(each, group=_few(each.group)) for each in largest[:_GROUPS]]
    windows = sorted((window for each in few for window in each.group.whole), key=lambda window: window.start)
    inside = np.zeros(len(tokenized.ids), np.bool_)
    for window in windows:
        inside[window.start : window.start + window.length] = True
    assert settings.position_mask is not None
    settings = replace(settings, position_mask=settings.position_mask & inside, streams=None)
    sample = replace(tokenized, windows=tuple(windows))
    whole: dict[int, Tensor] = {}
    behind: dict[int, Tensor] = {}
    capture_layers(loaded, sample, layers, _keeping(whole), settings)
    capture_groups(loaded, sample, few, layers, _keeping(behind), settings=settings)
    for layer in layers:
        error, tolerance = relative_difference(behind[layer.layer], whole[layer.layer]), _tolerance(loaded, layer)
        if not error <= tolerance:
            return f"layer {layer.layer} differs by {error:.2g} of its largest activation, more than {tolerance:g}"
    return ""


def relative_difference(values: Tensor, expected: Tensor) -> float:
    """max |values - expected| / max |expected|; infinite where one is finite and the other is not."""
    finite = expected.isfinite()
    if not torch.equal(finite, values.isfinite()):
        return float("inf")
    values, expected = (torch.where(finite, each.float(), 0) for each in (values, expected))
    scale = float(expected.abs().max()) or 1.0
    return float((values - expected).abs().max()) / scale


def _few(group: PrefixGroup) -> PrefixGroup:
    """Those of its windows with the fewest tokens, the most and a number in between, and one of another prefix."""
    places = np.linspace(0, len(group.whole) - 1, _WINDOWS)
    numbers = {round(float(place)) for place in places}
    others = np.flatnonzero(group.rows != group.rows[0])
    return group.only(sorted({*numbers, *others[:1].tolist()}))


def _keeping(kept: dict[int, Tensor]) -> LayerCallback:
    def on_layer(layer: NeuronLayer, activations: Tensor) -> None:
        kept[layer.layer] = activations.clone()

    return on_layer


def _tolerance(loaded: LoadedModel, layer: NeuronLayer) -> float:
    """How far a layer's activations may be apart: as far as in the proof of its neurons."""
    rounding = TOLERANCE.get(str(loaded.dtype).removeprefix("torch."), 5e-3)
    return max(rounding, *(packing_tolerance(part.module) for part in layer.parts))
