"""The neurons of a loaded model: the down-projection of each layer, whose inputs they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mechamap.errors import UnsupportedModel
from mechamap.models.architectures import DOWN_PROJECTIONS
from mechamap.models.discovery import discover, hint, is_conv1d, linear_shape, model_name, model_type

if TYPE_CHECKING:
    from torch import Tensor, nn

__all__ = ["NeuronLayer", "bias_out", "down_projection_template", "neuron_layers", "weight_in_out"]


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
        raise UnsupportedModel(f"{model_name(model)} has no blocks at {prefix}.", hint(model))
    layers: list[NeuronLayer] = []
    for layer in range(n_layers):
        path = f"{prefix}.{layer}.{suffix}"
        module = _submodule(model, path)
        shape = linear_shape(module) if module is not None else None
        if module is None or shape is None:
            found = "nothing" if module is None else type(module).__name__
            raise UnsupportedModel(
                f"{model_name(model)}: expected layer {layer}'s down-projection at {path}, found {found} there.",
                hint(model),
            )
        layers.append(NeuronLayer(layer, path, module, shape[0]))
    return tuple(layers)


def down_projection_template(model: nn.Module) -> str:
    """The path of the down-projection with ``{layer}`` for the layer's number: from the table, or discovered.

    Raises:
        UnsupportedModel: the type is not in the table, and not exactly one module per block fits.
    """
    listed = DOWN_PROJECTIONS.get(model_type(model))
    if listed is not None and _submodule(model, listed.partition(".{layer}.")[0]) is not None:
        return listed
    return discover(model)


def weight_in_out(module: nn.Module) -> Tensor:
    """The down-projection's weights as [d_mlp, d_model], a view: row n is what neuron n writes.

    Raises:
        UnsupportedModel: the module is neither ``nn.Linear`` nor ``Conv1D``.
    """
    from torch import nn

    if isinstance(module, nn.Linear):
        return module.weight.T  # [d_mlp, d_model]
    if is_conv1d(module):
        return module.get_parameter("weight")  # [d_mlp, d_model]
    raise UnsupportedModel(f"{type(module).__name__} is no linear layer whose weights can be read.")


def bias_out(module: nn.Module) -> Tensor | None:
    """The down-projection's bias [d_model], None where it has none."""
    bias: Tensor | None = getattr(module, "bias", None)
    return bias


def _submodule(model: nn.Module, path: str) -> nn.Module | None:
    try:
        return model.get_submodule(path)
    except AttributeError:
        return None
