"""The neurons of a loaded model, layer by layer: where the table of architectures or discovery says they are."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from mechamap.errors import UnsupportedModel
from mechamap.models.neurons.architectures import LENGTH_FIRST, neuron_paths, only_for_images, repeated
from mechamap.models.neurons.discovery import (
    discover,
    hint,
    leftover,
    linear_shape,
    model_name,
    model_type,
    submodule,
    without_neurons,
)
from mechamap.models.neurons.layers import NeuronLayer, NeuronPart
from mechamap.wording.suggest import nearest

if TYPE_CHECKING:
    from torch import nn

__all__ = ["neuron_layers"]


def neuron_layers(model: nn.Module, template: str | Sequence[str] | None = None) -> tuple[NeuronLayer, ...]:
    """The neurons of a language model, layer by layer in the order of the forward.

    Args:
        model: a model of transformers, on any device (the meta device too); its ``config.model_type`` is looked up in
            the table.
        template: paths with ``{layer}`` that override table and discovery.

    Raises:
        UnsupportedModel: it has no neurons, a block has no such module, or several candidates.
    """
    named = (template,) if isinstance(template, str) else tuple(template or ())
    unused = only_for_images(getattr(model, "config", None))
    all_layers: list[NeuronLayer] = []
    for prefix, templates, side in _grouped(model, named or _neuron_templates(model)):
        blocks = submodule(model, prefix)
        n_blocks = len(list(blocks.children())) if blocks is not None else 0
        if n_blocks == 0:
            raise UnsupportedModel(f"{model_name(model)} has no blocks at {prefix}.", hint())
        first = all_layers[-1].layer + 1 if all_layers else 0
        layers = [_layer(model, prefix, number, templates, side) for number in range(n_blocks)]
        if not any(layer.parts for layer in layers):
            raise _nothing_at(model, templates[0].replace("{layer}", "0"))
        for layer, number in zip(layers, range(first, first + n_blocks), strict=True):
            if layer.layer in unused:
                continue
            if layer.parts:
                all_layers += _repeated(model, layer, number)
            elif leftover(model, submodule(model, layer.block)):
                raise _nothing_at(model, templates[0].replace("{layer}", str(layer.layer)), layer.layer)
    return tuple(all_layers)


def _neuron_templates(model: nn.Module) -> tuple[str, ...]:
    """The paths of the down-projections with ``{layer}`` for the block's number: from the table, or discovered.

    Raises:
        UnsupportedModel: the model has none, or its type is not in the table and discovery is ambiguous.
    """
    if (reason := without_neurons(model)) is not None:
        raise UnsupportedModel(reason)
    if model_type(model) == "encoder-decoder":  # any encoder with any decoder, each a model of its own
        return tuple(
            f"{side}.{template}"
            for side in ("encoder", "decoder")
            for template in _neuron_templates(model.get_submodule(side))
        )
    listed = (_from_here(model, path) for path in neuron_paths(model_type(model)))
    return tuple(path for path in listed if path is not None) or discover(model)


def _from_here(model: nn.Module, path: str) -> str | None:
    """A path of the table as this model has it: models are loaded with a head around them or without."""
    prefix = str(getattr(model, "base_model_prefix", ""))
    for candidate in (path, f"{prefix}.{path}", path.removeprefix(f"{prefix}.")):
        if submodule(model, candidate.partition(".{layer}")[0]) is not None:
            return candidate
    return None


def _grouped(model: nn.Module, templates: Sequence[str]) -> list[tuple[str, list[str], str]]:
    """Templates by the list of blocks they are in, in their order; and which side of the model that list is."""
    groups: dict[str, list[str]] = {}
    for template in templates:
        groups.setdefault(template.partition(".{layer}")[0], []).append(template)
    both = len(groups) > 1
    return [(prefix, members, _side(prefix) if both else "") for prefix, members in groups.items()]


def _side(prefix: str) -> str:
    """Which side of a model a path is in, by the first one named: ``decoder.bert.encoder`` is in the decoder."""
    places = {side: prefix.find(side) for side in ("encoder", "decoder") if side in prefix}
    return min(places, key=places.__getitem__, default="")


def _layer(model: nn.Module, prefix: str, number: int, templates: Sequence[str], side: str) -> NeuronLayer:
    """The layer that a block has at the templates' paths; without parts if it has nothing there."""
    from mechamap.models.neurons.expert_forwards import remember_routing
    from mechamap.models.neurons.expert_kinds import is_parallel
    from mechamap.models.neurons.experts import fused_experts

    parts: list[NeuronPart] = []
    for template in templates:
        path = template.replace("{layer}", str(number))
        module = submodule(model, path)
        if module is None:
            continue
        fused = fused_experts(module)
        shape = linear_shape(module)
        length_first = model_type(model) in LENGTH_FIRST
        if fused is not None and fused.shared:
            part = NeuronPart(path, module, fused.width * fused.experts, fused=fused)
        elif fused is not None:
            part = NeuronPart(path, module, fused.width, fused.experts, fused=fused)
            router = submodule(model, f"{path.rpartition('.')[0]}.router")
            if is_parallel(module) and router is not None:
                remember_routing(router)
        elif shape is not None:
            part = NeuronPart(path, module, shape[0], length_first=length_first)
        else:
            raise UnsupportedModel(
                f"{model_name(model)}: expected layer {number}'s down-projection at {path}, but found "
                f"{type(module).__name__} there.",
                hint(),
            )
        parts.append(part)
    parts.sort(key=lambda part: part.experts > 0)  # by expert, those without one first
    for place, part in enumerate(parts):
        parts[place] = replace(part, first=sum(before.neurons for before in parts[:place]))
    return NeuronLayer(number, tuple(parts), f"{prefix}.{number}", side)


def _repeated(model: nn.Module, layer: NeuronLayer, number: int) -> list[NeuronLayer]:
    """The layers that a block stands for: one for each of its runs where layers share its weights, else one."""
    calls, each = repeated(model_type(model), getattr(model, "config", None), layer.path)
    if each:
        return [replace(layer, layer=number * calls + call, call=call, calls=calls) for call in range(calls)]
    return [replace(layer, layer=number, call=calls - 1, calls=calls)]


def _nothing_at(model: nn.Module, path: str, layer: int = 0) -> UnsupportedModel:
    paths = dict.fromkeys(re.sub(r"(?<=\.)\d+(?=\.)", "{layer}", name, count=1) for name, _ in model.named_modules())
    near = nearest(path.replace(f".{layer}.", ".{layer}.", 1), paths, most=3)
    return UnsupportedModel(
        f"{model_name(model)}: expected layer {layer}'s down-projection at {path}, but found nothing there.",
        f"The nearest paths in the model are {', '.join(near)}." if near else hint(),
    )
