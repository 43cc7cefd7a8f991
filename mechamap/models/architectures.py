"""Where each architecture keeps its neurons.

A neuron is one input of an MLP's down-projection. The table says where that module lies; for types it lacks,
:func:`neuron_layers` looks for the one linear layer in each block that leads from ``d_mlp`` to ``d_model``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mechamap.errors import UnsupportedModel

if TYPE_CHECKING:
    from torch import Tensor, nn

__all__ = [
    "DOWN_PROJECTIONS",
    "NeuronLayer",
    "bias_out",
    "config_d_mlp",
    "down_projection_template",
    "neuron_layers",
    "text_config",
    "weight_in_out",
]

DOWN_PROJECTIONS: dict[str, str] = {
    # GPT-2 and its kin
    "gpt2": "transformer.h.{layer}.mlp.c_proj",
    "gpt_bigcode": "transformer.h.{layer}.mlp.c_proj",
    "gpt_neo": "transformer.h.{layer}.mlp.c_proj",
    "gptj": "transformer.h.{layer}.mlp.fc_out",
    "codegen": "transformer.h.{layer}.mlp.fc_out",
    "gpt_neox": "gpt_neox.layers.{layer}.mlp.dense_4h_to_h",
    "gpt_neox_japanese": "gpt_neox_japanese.layers.{layer}.mlp.dense_4h_to_h",
    "bloom": "transformer.h.{layer}.mlp.dense_4h_to_h",
    "falcon": "transformer.h.{layer}.mlp.dense_4h_to_h",
    "mpt": "transformer.blocks.{layer}.ffn.down_proj",
    "opt": "model.decoder.layers.{layer}.fc2",
    "xglm": "model.layers.{layer}.fc2",
    "biogpt": "biogpt.layers.{layer}.fc2",
    # Llama and its kin: gated, a neuron is act(gate) * up
    "llama": "model.layers.{layer}.mlp.down_proj",
    "mistral": "model.layers.{layer}.mlp.down_proj",
    "ministral": "model.layers.{layer}.mlp.down_proj",
    "qwen2": "model.layers.{layer}.mlp.down_proj",
    "qwen3": "model.layers.{layer}.mlp.down_proj",
    "gemma": "model.layers.{layer}.mlp.down_proj",
    "gemma2": "model.layers.{layer}.mlp.down_proj",
    "gemma3_text": "model.layers.{layer}.mlp.down_proj",
    "phi3": "model.layers.{layer}.mlp.down_proj",
    "smollm3": "model.layers.{layer}.mlp.down_proj",
    "stablelm": "model.layers.{layer}.mlp.down_proj",
    "olmo": "model.layers.{layer}.mlp.down_proj",
    "olmo2": "model.layers.{layer}.mlp.down_proj",
    "olmo3": "model.layers.{layer}.mlp.down_proj",
    "cohere": "model.layers.{layer}.mlp.down_proj",
    "cohere2": "model.layers.{layer}.mlp.down_proj",
    "granite": "model.layers.{layer}.mlp.down_proj",
    "glm": "model.layers.{layer}.mlp.down_proj",
    "glm4": "model.layers.{layer}.mlp.down_proj",
    "exaone4": "model.layers.{layer}.mlp.down_proj",
    "helium": "model.layers.{layer}.mlp.down_proj",
    "nemotron": "model.layers.{layer}.mlp.down_proj",
    # Plain MLPs in a Llama-like frame
    "phi": "model.layers.{layer}.mlp.fc2",
    "starcoder2": "model.layers.{layer}.mlp.c_proj",
    "persimmon": "model.layers.{layer}.mlp.dense_4h_to_h",
}
"""model_type of the config -> path of the down-projection in the causal model, ``{layer}`` from 0."""

_D_MLP_KEYS = ("intermediate_size", "n_inner", "ffn_dim", "ffn_hidden_size", "ffn_intermediate_size", "d_ff")
_D_MODEL_KEYS = ("hidden_size", "n_embd", "d_model")
_ATTENTION = re.compile(r"att", re.IGNORECASE)


@dataclass(frozen=True, slots=True, eq=False)
class NeuronLayer:
    """One layer's neurons.

    Attributes:
        layer: the layer's number, from 0.
        path: where the down-projection lies in the model.
        module: the down-projection; its inputs are the neurons.
        width: how many neurons it has.
    """

    layer: int
    path: str
    module: nn.Module
    width: int


def neuron_layers(model: nn.Module, template: str | None = None) -> tuple[NeuronLayer, ...]:
    """The neurons of a causal language model, layer by layer.

    Args:
        model: a model of transformers; its ``config.model_type`` is looked up in the table.
        template: a path with ``{layer}`` that overrides table and discovery.

    Raises:
        UnsupportedModel: a block has no such module, or several could be it.
    """
    template = template or down_projection_template(model)
    prefix, _, suffix = template.partition(".{layer}.")
    blocks = _submodule(model, prefix)
    n_layers = len(list(blocks.children())) if blocks is not None else 0
    if n_layers == 0:
        raise UnsupportedModel(f"{_name(model)} has no blocks at {prefix}.", _hint(model))
    layers: list[NeuronLayer] = []
    for layer in range(n_layers):
        path = f"{prefix}.{layer}.{suffix}"
        module = _submodule(model, path)
        shape = _in_out(module) if module is not None else None
        if module is None or shape is None:
            found = "nothing" if module is None else type(module).__name__
            raise UnsupportedModel(
                f"{_name(model)}: expected layer {layer}'s down-projection at {path}, found {found} there.",
                _hint(model),
            )
        layers.append(NeuronLayer(layer, path, module, shape[0]))
    return tuple(layers)


def down_projection_template(model: nn.Module) -> str:
    """The path of the down-projection with ``{layer}`` for the layer's number: from the table, or discovered.

    Raises:
        UnsupportedModel: the type is not in the table, and not exactly one module per block fits.
    """
    listed = DOWN_PROJECTIONS.get(_model_type(model))
    if listed is not None and _submodule(model, listed.partition(".{layer}.")[0]) is not None:
        return listed
    return _discover(model)


def weight_in_out(module: nn.Module) -> Tensor:
    """The down-projection's weights as [d_mlp, d_model], a view: row n is what neuron n writes.

    Raises:
        UnsupportedModel: the module is neither ``nn.Linear`` nor ``Conv1D``.
    """
    from torch import nn

    if isinstance(module, nn.Linear):
        return module.weight.T  # [d_mlp, d_model]
    if _is_conv1d(module):
        return module.get_parameter("weight")  # [d_mlp, d_model]
    raise UnsupportedModel(f"{type(module).__name__} is no linear layer whose weights can be read.")


def bias_out(module: nn.Module) -> Tensor | None:
    """The down-projection's bias [d_model], None where it has none."""
    bias: Tensor | None = getattr(module, "bias", None)
    return bias


def config_d_mlp(config: Any) -> int | None:
    """How many neurons a layer has by the config, None where it does not say (or says it per layer)."""
    text = text_config(config)
    for key in _D_MLP_KEYS:
        value = getattr(text, key, 0)
        if value is None and (d_model := _d_model(config)) is not None:
            return 4 * d_model  # the convention of GPT-2's kin: no n_inner means four times as wide
        if isinstance(value, int) and value > 0:
            return value
    return None


def _discover(model: nn.Module) -> str:
    """The path template of a model the table lacks, from its longest list of blocks."""
    prefix, blocks = _longest_block_list(model)
    config = getattr(model, "config", None)
    d_model, d_mlp = _d_model(config), config_d_mlp(config)
    fitting: list[set[str]] = []
    for block in blocks.children():
        candidates = {
            path: shape[0]
            for path, module in block.named_modules()
            if (shape := _in_out(module)) is not None
            and shape[1] == d_model
            and not _ATTENTION.search(path)
            and shape[0] == (d_mlp or shape[0])
        }
        fitting.append(set(candidates))
    common = set.intersection(*fitting) if fitting else set()
    if len(common) != 1 or any(len(paths) != 1 for paths in fitting):
        seen = ", ".join(sorted(set().union(*fitting))) or "none"
        expected = f"{d_mlp or 'd_mlp'} wide to {d_model}"
        raise UnsupportedModel(
            f"{_name(model)}: looked in each block of {prefix} for one linear layer {expected}, and found: {seen}.",
            _hint(model),
        )
    return f"{prefix}.{{layer}}.{common.pop()}"


def _longest_block_list(model: nn.Module) -> tuple[str, nn.Module]:
    from torch import nn

    lists = [(path, module) for path, module in model.named_modules() if isinstance(module, nn.ModuleList)]
    if not lists:
        raise UnsupportedModel(f"{_name(model)} has no list of blocks to look for neurons in.", _hint(model))
    return max(lists, key=lambda entry: len(list(entry[1].children())))


def _in_out(module: nn.Module) -> tuple[int, int] | None:
    """(inputs, outputs) of a linear layer, None for any other module."""
    from torch import nn

    if isinstance(module, nn.Linear):
        return module.in_features, module.out_features
    if _is_conv1d(module):
        rows, columns = module.get_parameter("weight").shape
        return rows, columns
    return None


def _is_conv1d(module: nn.Module) -> bool:
    from transformers.pytorch_utils import Conv1D

    return isinstance(module, Conv1D)


def _submodule(model: nn.Module, path: str) -> nn.Module | None:
    try:
        return model.get_submodule(path)
    except AttributeError:
        return None


def text_config(config: Any) -> Any:
    """The part of a config that describes the language model, where it describes more than one."""
    return config.gettext_config() if hasattr(config, "gettext_config") else config


def _d_model(config: Any) -> int | None:
    text = text_config(config)
    values: Iterator[object] = (getattr(text, key, None) for key in _D_MODEL_KEYS)
    return next((value for value in values if isinstance(value, int)), None)


def _model_type(model: nn.Module) -> str:
    return str(getattr(getattr(model, "config", None), "model_type", ""))


def _name(model: nn.Module) -> str:
    return f"{type(model).__name__} (model_type {_model_type(model) or 'not given'})"


def _hint(model: nn.Module) -> str:
    experts = any("expert" in path for path, _ in model.named_modules())
    if experts:
        return "It looks like a mixture of experts, whose neurons cannot be scanned yet."
    return "Supported are " + ", ".join(sorted(DOWN_PROJECTIONS)) + ", and models built like them."
