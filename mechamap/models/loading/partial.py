"""Reading a model's lower blocks alone: those above the highest layer that is wanted are taken out before any weights
are read, so that theirs never are.

The config stays as it is, and every block that is kept is built as in the whole model, so its weights and activations
are the same. The output of the forward behind the last kept block is meaningless.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from mechamap.config.layers import parse_layers
from mechamap.errors import UnsupportedModel
from mechamap.models.neurons.layers import NeuronLayer
from mechamap.models.neurons.model_layers import neuron_layers
from mechamap.models.transformers_internals import model_class_of

if TYPE_CHECKING:
    from torch import nn

__all__ = ["LowerBlocks"]


# What a forward raises that looks for a block, or counts on something from one, that has been taken out.
_NEEDS_ALL = (IndexError, KeyError, AttributeError, TypeError, ValueError)


class LowerBlocks:
    """Takes the blocks above ``layers_wanted`` layers out of a model while transformers builds it, where possible.

    It is not possible where the blocks are not one list that the forward passes once from bottom to top, where blocks
    share weights, and where the model's class is not one of transformers.

    Attributes:
        n_layers: how many layers the whole model has; 0 before it was built.
        parameters: how many weights the whole model has, tied ones counted once.
        taken_out: how many blocks are missing from what was built.
    """

    def __init__(self, layers_wanted: int, template: Sequence[str] | None) -> None:
        self.n_layers = self.parameters = self.taken_out = 0
        self._wanted, self._template = layers_wanted, template
        self._expected: list[tuple[int, str, int]] = []

    def loader(self, auto: Any, config: Any) -> tuple[Any, Any]:
        """The class that loads the model, in place of ``auto`` of transformers' Auto classes, and its config.

        Both are unchanged where all of the model is loaded.
        """
        whole: Any = model_class_of(auto, config)
        if not hasattr(whole, "config_class"):  # none of transformers' own, or several to choose from
            return auto, config
        of_text = (getattr(config, "sub_configs", None) or {}).get("text_config")
        if of_text is not None and whole.config_class is of_text:  # the language model of a multimodal model
            packing, config = getattr(config, "quantization_config", None), config.get_text_config()
            if packing is not None:
                config.quantization_config = packing

        def build(model: Any, *args: Any, **settings: Any) -> None:
            whole.__init__(model, *args, **settings)
            model.__class__ = whole  # so that nothing that goes by the class finds another
            self._take_out(model)

        members = {"__init__": build, "__module__": whole.__module__, "__qualname__": whole.__qualname__}
        return type(whole.__name__, (whole,), members), config

    def _take_out(self, model: Any) -> None:
        layers = neuron_layers(model, self._template)
        tied = getattr(model, "all_tied_weights_keys", None) or {}
        self.n_layers = layers[-1].layer + 1
        parse_layers(
            str(self._wanted - 1), self.n_layers
        )  # refuses a layer that does not exist before anything is read
        self.parameters = sum(weights.numel() for name, weights in model.named_parameters() if name not in tied)
        prefix = layers[0].block.rpartition(".")[0]
        one_list = all(
            layer.calls == 1 and layer.block == f"{prefix}.{layer.layer}" and not layer.side for layer in layers
        )
        blocks = model.get_submodule(prefix)
        above = tuple(f"{prefix}.{number}." for number in range(self._wanted, len(blocks)))
        self._expected = [_signature(layer) for layer in layers if layer.layer < self._wanted]
        if (
            one_list
            and self._expected
            and above
            and not any(name.startswith(above) for pair in tied.items() for name in pair)
        ):
            del blocks[self._wanted :]
            self.taken_out = len(above)

    def layers(self, model: nn.Module) -> tuple[NeuronLayer, ...] | None:
        """The layers of a model that blocks were taken out of; None where it cannot run without them."""
        import torch

        from mechamap.models.loading.offload import input_device

        try:
            layers = neuron_layers(model, self._template)
            with torch.inference_mode():
                body: Any = getattr(model, "base_model", model)
                body(input_ids=torch.zeros(1, 2, dtype=torch.long, device=input_device(model)))
        except (*_NEEDS_ALL, UnsupportedModel):
            return None
        return layers if [_signature(layer) for layer in layers] == self._expected else None


def _signature(layer: NeuronLayer) -> tuple[int, str, int]:
    return layer.layer, layer.path, layer.width
