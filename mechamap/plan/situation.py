"""What a plan starts from: a model, a text, a machine and settings, with the sizes that follow from them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from mechamap.capture.batches import batch_tokens
from mechamap.config.layers import parse_layers
from mechamap.config.scan_config import ScanConfig
from mechamap.plan.places import Places
from mechamap.plan.shape import LayerShape, ModelShape
from mechamap.plan.source import ModelFiles
from mechamap.plan.text_size import TextSize
from mechamap.plan.weights import WeightBytes, weight_bytes
from mechamap.scan.record import keeps_activations

__all__ = ["PlanInputs"]


@dataclass(frozen=True)
class PlanInputs:
    """A scan that is being planned.

    Attributes:
        files: where the model lies.
        shape: how large it is.
        text: how much it reads.
        config: the settings.
        places: the devices that the settings name.
        threads: how many threads the CPU uses.
        whole: whether something after the scan needs the whole model, whatever layers are scanned.
    """

    files: ModelFiles
    shape: ModelShape
    text: TextSize
    config: ScanConfig
    places: Places
    threads: int
    whole: bool = False

    @cached_property
    def layers(self) -> tuple[LayerShape, ...]:
        """The layers that are scanned.

        Raises:
            UsageError: the config names one that the model does not have.
        """
        chosen = set(parse_layers(self.config.layers, len(self.shape.layers)))
        return tuple(layer for place, layer in enumerate(self.shape.layers) if place in chosen)

    @cached_property
    def weights(self) -> WeightBytes:
        """All weights of the model, as they would be held."""
        return weight_bytes(self.shape, self.files, self.config.dtype, self.config.quantize)

    @property
    def loaded(self) -> int:
        """Bytes of the weights that are loaded: none of the blocks above the last layer that is scanned.

        All of them where the blocks are not one list that the forward passes once (see models/partial.py).
        """
        paths = [layer.block for layer in self.shape.blocks]
        one_list = len({path.rpartition(".")[0] for path in paths}) == 1 and len(paths) == len(self.shape.layers)
        if self.whole or self.config.adapter is not None or not one_list or self.shape.kind == "encoder-decoder":
            return self.weights.total
        return self.weights.up_to(paths.index(self.layers[-1].block) + 1)

    @property
    def neurons(self) -> int:
        """How many are scanned."""
        return sum(layer.neurons(self.config.limit_neurons) for layer in self.layers)

    @property
    def batch(self) -> int:
        """Most tokens of one forward."""
        return batch_tokens(self.places.device.type)

    @property
    def keeps(self) -> bool:
        """Whether the run will keep every activation."""
        return keeps_activations(self.config, self.neurons, self.text.positions)
