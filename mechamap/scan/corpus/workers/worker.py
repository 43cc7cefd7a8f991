"""A worker that reads shards of a corpus in a process of its own, on another machine perhaps.

It is given plain values and gives back the files of a state with that one shard, so that what lies between the
processes need not know what they say.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mechamap.catalog.source import resolve
from mechamap.config.layers import parse_layers
from mechamap.config.schema import config_from_dict, with_overrides
from mechamap.corpus.inventory import Inventory
from mechamap.corpus.opening import open_corpus
from mechamap.errors import MechaMapError
from mechamap.models.loading.load import load_model
from mechamap.models.loading.load_settings import load_settings
from mechamap.scan.corpus.absorb import folder_to_files
from mechamap.scan.corpus.kept_text import Surroundings
from mechamap.scan.corpus.shard_pass import CorpusFolders, ShardReader, keep_needed
from mechamap.scan.corpus.shards import layer_spans
from mechamap.scan.corpus.state import CorpusState
from mechamap.system.leftovers import OwnFolder

__all__ = ["Failure", "ShardOrder", "ShardWorker", "WorkerOrder", "limits_of"]


@dataclass(frozen=True, slots=True)
class WorkerOrder:
    """What a worker needs to be ready.

    Attributes:
        model: its name.
        config: of the scan, as plain values.
        inventory: of the corpus, as plain values, so that it is not counted once more.
        device: where to load the model; None: as the config says.
        threads: of a worker without a GPU.
    """

    model: str
    config: Mapping[str, Any]
    inventory: Mapping[str, Any]
    device: str | None
    threads: int


@dataclass(frozen=True, slots=True)
class ShardOrder:
    """A shard to read.

    Attributes:
        number: of the shard.
        first, stop: its documents.
        limits: hashes above which nothing can be drawn any more, of all positions and of each category.
    """

    number: int
    first: int
    stop: int
    limits: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Failure:
    """An error of ours, as plain values: those of other machines are told like those of this one."""

    error: Mapping[str, Any]


class ShardWorker:
    """Loads a model once, and reads shards with it."""

    def __init__(self, order: WorkerOrder) -> None:
        import torch

        if order.threads:
            torch.set_num_threads(order.threads)
        config = config_from_dict(order.config)
        if order.device is not None:
            config = with_overrides(config, device=order.device)
        assert config.corpus is not None
        self._settings, self._config = config.corpus, config
        self._corpus = open_corpus(config.corpus, inventory=Inventory.from_plain(order.inventory))
        self._loaded = load_model(resolve(order.model), load_settings(config, whole=False))
        numbers = set(parse_layers(config.layers, self._loaded.n_layers))
        self._layers = tuple(layer for layer in self._loaded.layers if layer.layer in numbers)

    def read(self, order: ShardOrder) -> dict[str, bytes] | Failure:
        """The files of a state with this shard."""
        try:
            return self._read(order)
        except MechaMapError as error:
            return Failure(error.to_plain())

    def _read(self, order: ShardOrder) -> dict[str, bytes]:
        temporary = OwnFolder("shard")
        try:
            folders = CorpusFolders(Path(temporary.path) / "corpus")
            folders.make()
            spans = layer_spans(self._layers, self._config.limit_neurons, self._loaded.device)
            state = CorpusState.empty(spans, self._settings, self._config.categories)
            for sample, limit in zip((state.rest, *state.categories), order.limits, strict=True):
                sample.ceiling = limit
            reader = ShardReader(self._loaded, self._layers, self._config, folders)
            reader.read(state, order.number, self._corpus.read(order.first, order.stop))
            around = Surroundings.for_settings(state.neurons, self._settings)
            keep_needed(folders, [order.number], state.contexts(), around)
            state.save(folders.root, {})
            return folder_to_files(folders.root)
        finally:
            temporary.remove()


def limits_of(state: CorpusState) -> tuple[int, ...]:
    """What :class:`ShardOrder` says of a state's samples."""
    samples: Sequence[Any] = (state.rest, *state.categories)
    return tuple(int(sample.limit) for sample in samples)
