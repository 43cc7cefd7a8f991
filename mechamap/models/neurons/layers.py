"""The neurons of a loaded model: the down-projections of each layer, whose inputs they are."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from mechamap.errors import UnsupportedModel, UsageError
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
from mechamap.models.neurons.weights import readable_bias, readable_weight
from mechamap.runs.neuron_names import NeuronName
from mechamap.wording.suggest import nearest

if TYPE_CHECKING:
    from torch import Tensor, nn
    from torch.utils.hooks import RemovableHandle

    from mechamap.models.neurons.activations import Activations
    from mechamap.models.neurons.experts import FusedExperts

__all__ = ["NeuronLayer", "NeuronPart", "bias_out", "neuron_layers", "neuron_templates", "weight_in_out"]


Hook = Callable[["Activations"], "Tensor | None"]


@dataclass(frozen=True, eq=False)
class NeuronPart:
    """Neurons that one module of a layer holds: a dense MLP's, a shared expert's, or those of all routed experts.

    Attributes:
        path: where the module lies in the model.
        module: the down-projection, a linear layer whose inputs are the neurons; or what computes fused experts.
        width: how many neurons it has; of each expert where there are routed ones.
        experts: how many routed experts it has, 0 for a dense one.
        first: the place of its first neuron among the layer's.
        length_first: its inputs come as ``[length, windows, width]``.
        fused: how to see into it, where it keeps experts fused.
    """

    path: str
    module: nn.Module
    width: int
    experts: int = 0
    first: int = 0
    length_first: bool = False
    fused: FusedExperts | None = None

    @property
    def neurons(self) -> int:
        """All its neurons."""
        return self.width * max(self.experts, 1)

    def weight(self, expert: int = 0) -> Tensor:
        """What each neuron writes, ``[width, d_model]``; of one expert where there are routed ones."""
        if self.fused is None:
            return weight_in_out(self.module)
        if self.fused.shared:
            import torch

            return torch.cat([self.fused.weight(number) for number in range(self.fused.experts)])
        return self.fused.weight(expert)

    def bias(self, expert: int = 0) -> Tensor | None:
        """What the module writes with all neurons at zero, ``[d_model]``, None where it has no bias."""
        return bias_out(self.module) if self.fused is None else self.fused.bias(expert)

    def watch(self, hook: Hook) -> RemovableHandle:
        """Call ``hook`` with the activations of each call; what it returns, of the same shape, replaces them.

        Tokens are numbered window by window, whatever the order that the module has them in.
        """
        from mechamap.models.neurons.activations import Activations

        if self.fused is not None:
            from mechamap.models.neurons.expert_forwards import watch_experts

            return watch_experts(self.module, hook)

        def before(_module: nn.Module, args: tuple[Any, ...]) -> tuple[Any, ...] | None:
            values = args[0].transpose(0, 1) if self.length_first else args[0]
            replaced = hook(Activations(values.reshape(-1, values.shape[-1])))
            if replaced is None:
                return None
            replaced = replaced.reshape(values.shape)
            return (replaced.transpose(0, 1) if self.length_first else replaced, *args[1:])

        return self.module.register_forward_pre_hook(before)


@dataclass(frozen=True, eq=False)
class NeuronLayer:
    """One layer's neurons.

    Attributes:
        layer: the layer's number, from 0.
        parts: what holds its neurons, dense ones first; the layer's neurons are theirs, one part after another.
        block: the path of the block it is in.
        side: ``encoder`` or ``decoder`` in a model that has both, else empty.
        call: which of the calls of the modules in a forward is this layer, from 0.
        calls: how many calls there are; more than 1 where layers share their weights.
    """

    layer: int
    parts: tuple[NeuronPart, ...]
    block: str
    side: str = ""
    call: int = 0
    calls: int = 1

    @cached_property
    def width(self) -> int:
        """How many neurons the layer has, in all parts and experts."""
        return sum(part.neurons for part in self.parts)

    @property
    def experts(self) -> int:
        """How many routed experts it has, 0 for a dense layer."""
        return sum(part.experts for part in self.parts)

    @property
    def shared(self) -> int:
        """How many neurons it has outside of routed experts."""
        return sum(part.neurons for part in self.parts if not part.experts)

    def widths(self, limit: int | None = None) -> tuple[int, ...]:
        """How many neurons are taken of each part (of each expert), where only the first ``limit`` are: of the dense
        ones in all, and of each expert."""
        if limit is None:
            return tuple(part.width for part in self.parts)
        left = (limit if part.experts else max(limit - part.first, 0) for part in self.parts)
        return tuple(min(part.width, allowed) for part, allowed in zip(self.parts, left, strict=True))

    def limited(self, limit: int | None = None) -> int:
        """How many neurons those are in all."""
        pairs = zip(self.parts, self.widths(limit), strict=True)
        return sum(width * max(part.experts, 1) for part, width in pairs)

    @property
    def path(self) -> str:
        """Where its first part lies."""
        return self.parts[0].path

    @property
    def module(self) -> nn.Module:
        """The module of its first part."""
        return self.parts[0].module

    @property
    def dense(self) -> bool:
        """Whether one linear layer holds all its neurons."""
        return len(self.parts) == 1 and self.parts[0].fused is None

    def part_of(self, index: int, expert: int = -1) -> tuple[NeuronPart, int]:
        """The part that holds a neuron, and the neuron's place in it (in its expert).

        Raises:
            UsageError: the layer has no such neuron.
        """
        place = index
        for part in self.parts:
            if (expert >= 0) != (part.experts > 0):
                continue
            if place < part.width and expert < max(part.experts, 1):
                return part, place
            place -= part.width
        name = NeuronName(self.layer, index, expert)
        raise UsageError(f"{name} does not exist: layer {self.layer} has {self.in_words()}.")

    def in_words(self) -> str:
        """Which neurons it has."""
        dense = f"neurons N0 to N{self.shared - 1}" if self.shared else ""
        routed = next((part for part in self.parts if part.experts), None)
        if routed is None:
            return dense
        experts = f"experts E0 to E{routed.experts - 1} with neurons N0 to N{routed.width - 1} each"
        return f"{dense} outside of experts, and {experts}" if dense else experts


def neuron_layers(model: nn.Module, template: str | Sequence[str] | None = None) -> tuple[NeuronLayer, ...]:
    """The neurons of a language model, layer by layer in the order of the forward.

    Args:
        model: a model of transformers, on any device (the meta device too); its ``config.model_type`` is looked up in
            the table.
        template: paths with ``{layer}`` that override table and discovery.

    Raises:
        UnsupportedModel: it has no neurons, a block has no such module, or several could be it.
    """
    named = (template,) if isinstance(template, str) else tuple(template or ())
    unused = only_for_images(getattr(model, "config", None))
    all_layers: list[NeuronLayer] = []
    for prefix, templates, side in _grouped(model, named or neuron_templates(model)):
        blocks = submodule(model, prefix)
        n_blocks = len(list(blocks.children())) if blocks is not None else 0
        if n_blocks == 0:
            raise UnsupportedModel(f"{model_name(model)} has no blocks at {prefix}.", hint(model))
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


def neuron_templates(model: nn.Module) -> tuple[str, ...]:
    """The paths of the down-projections with ``{layer}`` for the block's number: from the table, or discovered.

    Raises:
        UnsupportedModel: the model has none, or the type is not in the table and what fits is not clear.
    """
    if (reason := without_neurons(model)) is not None:
        raise UnsupportedModel(reason)
    if model_type(model) == "encoder-decoder":  # any encoder with any decoder, each a model of its own
        return tuple(
            f"{side}.{template}"
            for side in ("encoder", "decoder")
            for template in neuron_templates(model.get_submodule(side))
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
    """Which side of a model a path is in, by what it comes past first: ``decoder.bert.encoder`` is in the decoder."""
    places = {side: prefix.find(side) for side in ("encoder", "decoder") if side in prefix}
    return min(places, key=places.__getitem__, default="")


def _layer(model: nn.Module, prefix: str, number: int, templates: Sequence[str], side: str) -> NeuronLayer:
    """What a block has at the templates' paths; without parts where it has nothing there."""
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
                f"{model_name(model)}: expected layer {number}'s down-projection at {path}, found "
                f"{type(module).__name__} there.",
                hint(model),
            )
        parts.append(part)
    parts.sort(key=lambda part: part.experts > 0)  # by expert, those without one first
    for place, part in enumerate(parts):
        parts[place] = replace(part, first=sum(before.neurons for before in parts[:place]))
    return NeuronLayer(number, tuple(parts), f"{prefix}.{number}", side)


def _repeated(model: nn.Module, layer: NeuronLayer, number: int) -> list[NeuronLayer]:
    """The layers that a block stands for: as many as it runs where they share its weights, else one."""
    calls, each = repeated(model_type(model), getattr(model, "config", None), layer.path)
    if each:
        return [replace(layer, layer=number * calls + call, call=call, calls=calls) for call in range(calls)]
    return [replace(layer, layer=number, call=calls - 1, calls=calls)]


def _nothing_at(model: nn.Module, path: str, layer: int = 0) -> UnsupportedModel:
    paths = dict.fromkeys(re.sub(r"(?<=\.)\d+(?=\.)", "{layer}", name, count=1) for name, _ in model.named_modules())
    near = nearest(path.replace(f".{layer}.", ".{layer}.", 1), paths, most=3)
    return UnsupportedModel(
        f"{model_name(model)}: expected layer {layer}'s down-projection at {path}, found nothing there.",
        f"The nearest paths in the model are {', '.join(near)}." if near else hint(model),
    )


def weight_in_out(module: nn.Module) -> Tensor:
    """The down-projection's weights as [d_mlp, d_model]: row n is what neuron n writes.

    Raises:
        UnsupportedModel: the module is not a linear layer, or its weights are packed in an unknown format.
    """
    if linear_shape(module) is None:
        raise UnsupportedModel(f"{type(module).__name__} is not a linear layer whose weights can be read.")
    return readable_weight(module).T


def bias_out(module: nn.Module) -> Tensor | None:
    """The down-projection's bias [d_model], None where it has none."""
    return readable_bias(module)
