"""Reading a model's lower blocks alone: those above the highest layer that is wanted are taken out before any weights
are read, so that theirs never are.

The config stays as it is, and every block that is kept is built as in the whole model, so its weights and activations
are the same. What the forward gives behind the last kept block means nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from mechamap.models.layers import neuron_layers

if TYPE_CHECKING:
    from torch import nn

__all__ = ["LowerBlocks"]

# What a forward raises that looks for a block, or counts on something from one, that has been taken out.
_NEEDS_ALL = (IndexError, KeyError, AttributeError, TypeError, ValueError)


class LowerBlocks:
    """Takes the blocks above ``wanted`` layers out of a model while transformers builds it, where that can be had.

    It cannot where the blocks are not one list that the forward passes once from bottom to top, where blocks share
    weights, and where the model's class is not of transformers.

    Attributes:
        n_layers: how many layers the whole model has; 0 before it was built.
        parameters: how many weights the whole model has, tied ones counted once.
        taken_out: how many blocks are missing from what was built.
    """

    def __init__(self, wanted: int, template: Sequence[str] | None) -> None:
        self.n_layers = self.parameters = self.taken_out = 0
        self._wanted, self._template = wanted, template

    def class_of(self, auto: Any, config: Any) -> Any:
        """What loads the model in place of ``auto``, one of transformers' Auto classes; itself where all is loaded."""
        if type(config) not in auto._model_mapping:
            return auto
        whole: Any = auto._model_mapping[type(config)]
        if getattr(whole, "config_class", None) is not type(config):  # several classes, or one of a part of the config
            return auto

        def build(model: Any, *args: Any, **settings: Any) -> None:
            whole.__init__(model, *args, **settings)
            model.__class__ = whole  # so that nothing that goes by the class finds another
            self._take_out(model)

        members = {"__init__": build, "__module__": whole.__module__, "__qualname__": whole.__qualname__}
        return type(whole.__name__, (whole,), members)

    def _take_out(self, model: Any) -> None:
        layers = neuron_layers(model, self._template)
        tied = getattr(model, "all_tied_weights_keys", None) or {}
        self.n_layers = layers[-1].layer + 1
        self.parameters = sum(its.numel() for name, its in model.named_parameters() if name not in tied)
        prefix = layers[0].block.rpartition(".")[0]
        one_list = all(
            layer.runs == 1 and layer.block == f"{prefix}.{layer.layer}" and not layer.side for layer in layers
        )
        blocks = model.get_submodule(prefix)
        above = tuple(f"{prefix}.{number}." for number in range(self._wanted, len(blocks)))
        if one_list and above and not any(name.startswith(above) for pair in tied.items() for name in pair):
            del blocks[self._wanted :]
            self.taken_out = len(above)

    def runs_without(self, model: nn.Module) -> bool:
        """Whether the model runs without the blocks that were taken out."""
        import torch

        from mechamap.models.offload import input_device

        if not self.taken_out:
            return True
        try:
            with torch.inference_mode():
                model(input_ids=torch.zeros(1, 2, dtype=torch.long, device=input_device(model)))
        except _NEEDS_ALL:
            return False
        return True
