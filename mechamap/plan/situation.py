"""What a plan starts from: a model, a text, a machine and settings, with the sizes that follow from them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from mechamap.capture.batches import batch_tokens
from mechamap.config.layers import parse_layers
from mechamap.config.scan_config import ScanConfig
from mechamap.plan.corpus.size import CorpusSize
from mechamap.plan.places import Places
from mechamap.plan.shape import LayerShape, ModelShape
from mechamap.plan.source import ModelFiles
from mechamap.plan.text_size import TextSize
from mechamap.plan.weights import WeightBytes, weight_bytes
from mechamap.scan.corpus.part import Part, RayRequest
from mechamap.scan.record import keeps_activations

__all__ = ["Circumstances", "PlanInputs"]


@dataclass(frozen=True, slots=True)
class Circumstances:
    """How a scan that is planned would be done.

    Attributes:
        fetch: whether config and tokenizer of a hub model that is not in the cache are fetched for the plan.
        started: whether the process that will scan has torch and transformers already.
        whole: whether something after the scan needs all layers of the model.
        part: which part of a corpus is read; None: all.
        ray: the workers that read it; None: the process itself does.
    """

    fetch: bool = True
    started: bool = False
    whole: bool = False
    part: Part | None = None
    ray: RayRequest | None = None


@dataclass(frozen=True)
class PlanInputs:
    """A scan that is being planned.

    Attributes:
        files: where the model lies.
        shape: how large it is.
        text: how much it reads; of a corpus a batch.
        config: the settings.
        places: the devices that the settings name.
        threads: how many threads the CPU uses.
        whole: whether something after the scan needs the whole model, whatever layers are scanned.
        corpus: what is read in place of the text; None where nothing is, or nobody has looked at it.
        part: which part of it is read; None: all.
        ray: the workers that read it; None: the process itself does.
    """

    files: ModelFiles
    shape: ModelShape
    text: TextSize
    config: ScanConfig
    places: Places
    threads: int
    whole: bool = False
    corpus: CorpusSize | None = None
    part: Part | None = None
    ray: RayRequest | None = None

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
        settings = self.config.corpus
        return (settings.batch_tokens if settings is not None else None) or batch_tokens(self.places.device.type)

    @property
    def local_workers(self) -> int:
        """How many workers read a corpus on this machine."""
        if self.ray is None or self.ray.address != "local":
            return 0
        if self.ray.workers is not None:
            return self.ray.workers
        return max(self.places.cards, 1)

    @property
    def keeps(self) -> bool:
        """Whether the run will keep every activation."""
        return self.config.corpus is None and keeps_activations(self.config, self.neurons, self.text.positions)
