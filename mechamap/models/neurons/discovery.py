"""Finding the down-projections of an architecture that the table lacks.

In a block, outside of its attention, a down-projection is a linear layer to ``d_model`` that has one of the usual
names, or the one that maps ``d_mlp`` to ``d_model``; routed experts are a module with three-dimensional weights.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from mechamap.errors import UnsupportedModel
from mechamap.models.config_keys import config_d_model, config_widths
from mechamap.models.neurons.architectures import NEURONS, NO_NEURONS
from mechamap.wording.advice import Advice, Setting

if TYPE_CHECKING:
    from torch import nn

__all__ = [
    "discover",
    "hint",
    "is_conv1d",
    "leftover",
    "linear_shape",
    "model_name",
    "model_type",
    "submodule",
    "without_neurons",
]


_NOT_MLP = re.compile(
    r"att|mamba|mixer|conv|temporal_block|lru|router|gate$|(^|\.)gate\.|norm|hyper_connection|adapter|altup|laurel"
    r"|per_layer|retention|ssm|lstm|pooler|vision|visual|image|audio|speech|depth_decoder",
    re.IGNORECASE,
)
_NOT_TEXT = re.compile(r"vision|visual|image|audio|speech|depth_decoder|talker|mtp|codec", re.IGNORECASE)
_NAMES = re.compile(
    r"(^|\.)(down_proj|fc2|c_proj|dense_4h_to_h|fc_out|w2|wo|lin2|w_out|proj_down|ffn_output|output_linear|layer_2"
    r"|(^|(?<!attention)\.)output\.dense)$",
    re.IGNORECASE,
)
_UP = re.compile(r"(^|\.)(up_proj|gate_proj|gate_up_proj|fc1|c_fc|w1|w3|wi(_\d)?|lin1|w_in|intermediate\.dense)$", re.I)


def discover(model: nn.Module) -> tuple[str, ...]:
    """The paths, with ``{layer}``, of the down-projections in the longest list of blocks, dense ones first.

    Raises:
        UnsupportedModel: there are no blocks, none has a module that fits, or several do.
    """
    prefix, blocks = _longest_block_list(model)
    dense: dict[str, None] = {}
    experts: dict[str, None] = {}
    for block in blocks.children():
        block_dense, block_experts = _candidates(model, block)
        parents = [path.rpartition(".")[0] for path in block_dense]
        if len(set(parents)) != len(parents):
            raise _unclear(model, prefix, block_dense)
        dense |= dict.fromkeys(block_dense)
        experts |= dict.fromkeys(block_experts)
    if not dense and not experts:
        raise _unclear(model, prefix, [])
    return tuple(f"{prefix}.{{layer}}.{path}" for path in (*dense, *experts))


def leftover(model: nn.Module, block: nn.Module | None) -> bool:
    """Whether a block has a module that may be a down-projection, so that it may have neurons that were missed."""
    return block is not None and any(_candidates(model, block))


def _candidates(model: nn.Module, block: nn.Module) -> tuple[list[str], list[str]]:
    """Paths, within a block, of linear layers that may be down-projections, and of routed experts."""
    from mechamap.models.neurons.experts import fused_experts

    config = getattr(model, "config", None)
    d_model, widths = config_d_model(config), config_widths(config)
    named: list[str] = []
    shaped: list[str] = []
    experts: list[str] = []
    for path, module in block.named_modules():
        if not path or _NOT_MLP.search(path) or any(path.startswith(f"{before}.") for before in experts):
            continue
        if fused_experts(module) is not None:
            experts.append(path)
            continue
        shape = linear_shape(module)
        if shape is None or shape[1] != d_model or _UP.search(path):
            continue
        if _NAMES.search(path):
            named.append(path)
        elif shape[0] in widths and shape[0] != d_model:
            shaped.append(path)
    return named or shaped, experts


def _unclear(model: nn.Module, prefix: str, candidates: list[str]) -> UnsupportedModel:
    config = getattr(model, "config", None)
    wide = ", ".join(map(str, sorted(config_widths(config)))) or "d_mlp"
    return UnsupportedModel(
        f"{model_name(model)}: looked in each block of {prefix} for one linear layer from {wide} to "
        f"{config_d_model(config)}, and found: {', '.join(candidates) or 'none'}.",
        hint(),
    )


def _longest_block_list(model: nn.Module) -> tuple[str, nn.Module]:
    from torch import nn

    lists = [
        (path, module)
        for path, module in model.named_modules()
        if isinstance(module, nn.ModuleList) and not _NOT_TEXT.search(path)
    ]
    if not lists:
        raise UnsupportedModel(f"{model_name(model)} has no list of blocks to look for neurons in.", hint())
    return max(lists, key=lambda entry: len(list(entry[1].children())))


def without_neurons(model: nn.Module) -> str | None:
    """Why a model has no MLP neurons at all, None where it may have some."""
    blocks = NO_NEURONS.get(model_type(model))
    if blocks is None:
        return None
    return f"{model_name(model)} has no MLP neurons: {blocks}."


def submodule(model: nn.Module, path: str) -> nn.Module | None:
    """The module at a path, None where there is none."""
    try:
        return model.get_submodule(path)
    except AttributeError:
        return None


def linear_shape(module: nn.Module) -> tuple[int, int] | None:
    """(inputs, outputs) of a linear layer, None for any other module."""
    from torch import nn

    if isinstance(module, nn.Linear):
        return module.in_features, module.out_features
    if is_conv1d(module):
        rows, columns = module.get_parameter("weight").shape
        return rows, columns
    return None


def is_conv1d(module: nn.Module) -> bool:
    """Whether it is GPT-2's own linear layer, whose weights are transposed."""
    from transformers.pytorch_utils import Conv1D

    return isinstance(module, Conv1D)


def model_type(model: nn.Module) -> str:
    """The config's model_type, empty where there is none."""
    return str(getattr(getattr(model, "config", None), "model_type", ""))


def model_name(model: nn.Module) -> str:
    """The model's class and type, for messages."""
    return f"{type(model).__name__} (model_type {model_type(model) or 'not given'})"


def hint() -> Advice:
    """What to do where a model's neurons are not found."""
    known = f"{len(NEURONS)} types of models are known, and models built like them are recognized."
    paths = Setting("neurons", "model.layers.{layer}.mlp.down_proj", in_config=True)
    return Advice.of(f"{known} For others, name the paths: {{}}.", paths)
