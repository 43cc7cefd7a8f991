"""Finding the down-projections of an architecture that the table lacks.

In each block of the longest list of blocks there must be exactly one linear layer, outside of the attention,
that leads from ``d_mlp`` to ``d_model``.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from mechamap.errors import UnsupportedModel
from mechamap.models.architectures import DOWN_PROJECTIONS, config_d_mlp, config_d_model

if TYPE_CHECKING:
    from torch import nn

__all__ = ["discover", "hint", "is_conv1d", "linear_shape", "model_name", "model_type"]

_NOT_MLP = re.compile(r"att|mixer|mamba", re.IGNORECASE)
_NOT_TEXT = re.compile(r"vision|visual|image|audio|speech", re.IGNORECASE)


def discover(model: nn.Module) -> str:
    """The path template, with ``{layer}``, of the down-projections in the longest list of blocks.

    Raises:
        UnsupportedModel: there are no blocks, or not exactly one module in each fits; the message says which.
    """
    prefix, blocks = _longest_block_list(model)
    config = getattr(model, "config", None)
    d_model, d_mlp = config_d_model(config), config_d_mlp(config)
    fitting: list[set[str]] = []
    for block in blocks.children():
        candidates = {
            path: shape[0]
            for path, module in block.named_modules()
            if (shape := linear_shape(module)) is not None
            and shape[1] == d_model
            and not _NOT_MLP.search(path)
            and shape[0] == (d_mlp or shape[0])
        }
        fitting.append(set(candidates))
    common = set.intersection(*fitting) if fitting else set()
    if len(common) != 1 or any(len(paths) != 1 for paths in fitting):
        seen = ", ".join(sorted(set().union(*fitting))) or "none"
        raise UnsupportedModel(
            f"{model_name(model)}: looked in each block of {prefix} for one linear layer from {d_mlp or 'd_mlp'} "
            f"to {d_model}, and found: {seen}.",
            hint(model),
        )
    return f"{prefix}.{{layer}}.{common.pop()}"


def _longest_block_list(model: nn.Module) -> tuple[str, nn.Module]:
    from torch import nn

    lists = [
        (path, module)
        for path, module in model.named_modules()
        if isinstance(module, nn.ModuleList) and not _NOT_TEXT.search(path)
    ]
    if not lists:
        raise UnsupportedModel(f"{model_name(model)} has no list of blocks to look for neurons in.", hint(model))
    return max(lists, key=lambda entry: len(list(entry[1].children())))


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
    """Whether it is GPT-2's own linear layer, which keeps its weights the other way round."""
    from transformers.pytorch_utils import Conv1D

    return isinstance(module, Conv1D)


def model_type(model: nn.Module) -> str:
    """The config's model_type, empty where there is none."""
    return str(getattr(getattr(model, "config", None), "model_type", ""))


def model_name(model: nn.Module) -> str:
    """The model's class and type, for messages."""
    return f"{type(model).__name__} (model_type {model_type(model) or 'not given'})"


def hint(model: nn.Module) -> str:
    """What to say to somebody whose model has no neurons we can find."""
    experts = any("expert" in path for path, _ in model.named_modules())
    if experts:
        return "It looks like a mixture of experts, whose neurons cannot be scanned yet."
    return "Supported are " + ", ".join(sorted(DOWN_PROJECTIONS)) + ", and models built like them."
