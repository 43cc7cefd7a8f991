"""How large a model is, from its config alone: built on torch's meta device, where weights take no memory."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mechamap.models.config_keys import config_d_model, text_config
from mechamap.models.loaded import Kind
from mechamap.models.loading.kinds import auto_class, kind_of, longest_window
from mechamap.models.neurons.discovery import linear_shape
from mechamap.models.neurons.model_layers import neuron_layers

if TYPE_CHECKING:
    from torch import nn

    from mechamap.models.neurons.layers import NeuronLayer

__all__ = ["LayerShape", "ModelShape", "model_shape", "on_meta"]


# What configs call the number of experts that a token goes to.
_ACTIVE_EXPERTS = (
    "num_experts_per_tok",
    "num_experts_per_token",
    "moe_topk",
    "moe_top_k",
    "top_k_experts",
    "moe_k",
    "num_selected_experts",
)
_OF_EXPERTS = re.compile(r"(^|\.)experts\.")
_KEPT = {
    "float16": ("_keep_in_fp32_modules", "_keep_in_fp32_modules_strict"),
    "bfloat16": ("_keep_in_fp32_modules_strict",),
}


@dataclass(frozen=True, slots=True)
class LayerShape:
    """One layer's neurons, and the weights of the block they are in.

    Attributes:
        number: the layer's, from 0.
        side: ``encoder`` or ``decoder`` in a model that has both.
        block: the path of the block; several layers may share one.
        dense: how many neurons every token has in it, those of shared experts among them.
        experts: how many routed experts it has.
        expert_width: how many neurons each of them has.
        parameters: how many weights the block has.
        packable: of those, how many are in linear layers, which can be packed into few bits while they are read.
        active: how many weights a token meets in it, those of experts it does not go to left out.
        active_experts: how many routed experts a token goes to.
    """

    number: int
    side: str
    block: str
    dense: int
    experts: int
    expert_width: int
    parameters: int
    packable: int
    active: int
    active_experts: int

    def neurons(self, limit: int | None = None) -> int:
        """How many neurons are scanned where only the first ``limit`` of the dense ones, and of each expert, are."""
        return self._dense(limit) + self.experts * self._of_expert(limit)

    def values(self, limit: int | None = None) -> int:
        """How many activations of those a token has: of routed experts, those of the ones it goes to."""
        return self._dense(limit) + self.active_experts * self._of_expert(limit)

    def _dense(self, limit: int | None) -> int:
        return self.dense if limit is None else min(self.dense, limit)

    def _of_expert(self, limit: int | None) -> int:
        return self.expert_width if limit is None else min(self.expert_width, limit)


@dataclass(frozen=True, slots=True)
class ModelShape:
    """A model as its config describes it.

    Attributes:
        architecture: the config's model_type.
        kind: decoder, encoder, or encoder-decoder.
        parameters: how many weights it has, tied ones counted once.
        layers: those with neurons.
        d_model: width of the residual stream.
        heads: attention heads, 0 where the config does not say.
        vocabulary: rows of the embedding.
        context: longest sequence in tokens, None without a limit.
        dtype: the number format that the config names, None where it names none.
        quantization: what the config says of how its weights are packed; empty where they are not.
        kept_float32: by requested format, how many weights stay in float32 all the same.
        eager_attention: whether attention makes a matrix of positions by positions.
    """

    architecture: str
    kind: Kind
    parameters: int
    layers: tuple[LayerShape, ...]
    d_model: int
    heads: int
    vocabulary: int
    context: int | None
    dtype: str | None = None
    quantization: Mapping[str, Any] = field(default_factory=dict)
    kept_float32: Mapping[str, int] = field(default_factory=dict)
    eager_attention: bool = False

    @property
    def blocks(self) -> tuple[LayerShape, ...]:
        """One layer of every block that has neurons."""
        return tuple({layer.block: layer for layer in self.layers}.values())

    @property
    def outside(self) -> int:
        """Weights outside of those blocks: embeddings, the head, norms, blocks without neurons."""
        return self.parameters - sum(layer.parameters for layer in self.blocks)

    @property
    def experts(self) -> int:
        """The most routed experts that a layer has."""
        return max((layer.experts for layer in self.layers), default=0)

    def neurons(self, limit: int | None = None) -> int:
        """Neurons of all layers."""
        return sum(layer.neurons(limit) for layer in self.layers)


def on_meta(config: Any, place: str, trust_remote_code: bool) -> tuple[nn.Module, Kind]:
    """The model that a config describes, its weights without memory, and what kind it is.

    Raises:
        UnsupportedModel: it is not a language model.
    """
    import torch

    kind = kind_of(config, place)
    with torch.device("meta"):
        model: nn.Module = auto_class(kind, config).from_config(config, trust_remote_code=trust_remote_code)
    return model, kind


def model_shape(model: nn.Module, kind: Kind, template: Sequence[str] | None = None) -> ModelShape:
    """The sizes of a model, on the meta device or any other.

    Args:
        kind: what kind of model it is.
        template: the paths of the down-projections, where the config of the scan gives one.

    Raises:
        UnsupportedModel: it has no neurons, or where they are is not clear.
    """
    config: Any = model.config
    text = text_config(config)
    layers = neuron_layers(model, template)
    embedding: Any = model.get_input_embeddings()  # type: ignore[operator]
    dtype = getattr(config, "dtype", None)
    packing = getattr(config, "quantization_config", None) or {}
    return ModelShape(
        architecture=str(config.model_type),
        kind=kind,
        parameters=sum(parameter.numel() for parameter in model.parameters()),
        layers=_layer_shapes(model, layers, _active_experts(text)),
        d_model=config_d_model(config) or int(embedding.weight.shape[1]),
        heads=_first_number(text, ("num_attention_heads", "n_head", "num_heads")),
        vocabulary=int(embedding.weight.shape[0]),
        context=longest_window(model, kind),
        dtype=str(dtype).removeprefix("torch.") if dtype is not None else None,
        quantization=dict(packing if isinstance(packing, Mapping) else packing.to_dict()),
        kept_float32={name: _kept_float32(model, members) for name, members in _KEPT.items()},
        eager_attention=getattr(config, "_attn_implementation", None) == "eager",
    )


def _layer_shapes(model: nn.Module, layers: Sequence[NeuronLayer], active_experts: int) -> tuple[LayerShape, ...]:
    sharing = Counter(layer.block for layer in layers)  # where layers share a block, each is one of its runs
    return tuple(_layer_shape(model, layer, active_experts, layer.calls // sharing[layer.block]) for layer in layers)


def _layer_shape(model: nn.Module, layer: NeuronLayer, active_experts: int, runs: int) -> LayerShape:
    block = model.get_submodule(layer.block)
    sizes = {name: parameter.numel() for name, parameter in block.named_parameters()}
    routed = [part for part in layer.parts if part.experts]
    of_experts = sum(size for name, size in sizes.items() if routed and _OF_EXPERTS.search(name))
    experts = layer.experts
    goes_to = min(active_experts or experts, experts)
    parameters = sum(sizes.values())
    once = parameters - of_experts + (of_experts * goes_to // experts if experts else 0)
    return LayerShape(
        number=layer.layer,
        side=layer.side,
        block=layer.block,
        dense=layer.shared,
        experts=experts,
        expert_width=max((part.width for part in routed), default=0),
        parameters=parameters,
        packable=sum(part.get_parameter("weight").numel() for part in block.modules() if linear_shape(part)),
        active=once * max(runs, 1),
        active_experts=goes_to,
    )


def _kept_float32(model: nn.Module, members: tuple[str, ...]) -> int:
    """How many weights lie in modules that transformers never casts down."""
    names = {name for member in members for name in getattr(model, member, None) or ()}
    if not names:
        return 0
    within = re.compile("|".join(rf"(^|\.){re.escape(name)}(\.|$)" for name in sorted(names)))
    return sum(parameter.numel() for path, parameter in model.named_parameters() if within.search(path))


def _active_experts(text: Any) -> int:
    """How many routed experts a token goes to; 0 where the config does not say."""
    return _first_number(text, _ACTIVE_EXPERTS) or _first_number(getattr(text, "ffn_config", None), _ACTIVE_EXPERTS)


def _first_number(config: Any, keys: tuple[str, ...]) -> int:
    values = (getattr(config, key, None) for key in keys)
    return next((value for value in values if isinstance(value, int) and value > 0), 0)
