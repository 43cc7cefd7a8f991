"""A shard read: its documents chunk by chunk through the model, all layers in one pass, everything reduced at once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mechamap.capture.batches import Batch, batch_tokens, sorted_batches
from mechamap.capture.gather import dense_activations
from mechamap.capture.hooked_pass import PassSettings, capture_batches
from mechamap.capture.vocabulary import check_vocabulary
from mechamap.config.scan_config import ScanConfig
from mechamap.corpus.documents import Document
from mechamap.errors import Cancelled, RunError
from mechamap.models.loaded import LoadedModel
from mechamap.models.neurons.activations import Activations
from mechamap.models.neurons.layers import NeuronLayer
from mechamap.models.reading import reading_of
from mechamap.scan.corpus.chunk_plan import BatchPlan, plan_chunk
from mechamap.scan.corpus.kept_text import KeptTokens, Surroundings, kept_paths, needed_tokens, tokens_of_chunk
from mechamap.scan.corpus.samples import SampleFile, sample_path
from mechamap.scan.corpus.state import CorpusState
from mechamap.statistics.neuron_statistics import LayerStatistics
from mechamap.statistics.places import Places
from mechamap.system.threads import read_ahead
from mechamap.text.chunk import Chunk, ChunkReader

__all__ = ["BATCHES_OF_CHUNK", "WORK_FOLDER", "CorpusFolders", "ShardReader", "keep_needed", "remove_unneeded"]


WORK_FOLDER = "corpus"  # of a run, with what was gathered so far
BATCHES_OF_CHUNK = 8  # so that windows of about one length meet often enough to fill batches


@dataclass(frozen=True, slots=True)
class CorpusFolders:
    """Where a corpus scan keeps what it has gathered, in the folder of its run."""

    root: Path

    @property
    def samples(self) -> Path:
        """Activations of drawn positions, a file for each shard."""
        return self.root / "samples"

    @property
    def text(self) -> Path:
        """Tokens around contexts, a file for each chunk."""
        return self.root / "text"

    def make(self) -> None:
        """Make them where they are not there.

        Raises:
            OSError: they cannot be made.
        """
        for folder in (self.root, self.samples, self.text):
            folder.mkdir(exist_ok=True)


@dataclass(frozen=True, slots=True, eq=False)
class ShardReader:
    """Reads shards into a state.

    Attributes:
        loaded: the model.
        layers: which of its layers.
        config: of the scan, with a corpus.
        folders: where activations and tokens go.
        cancel: set to stop before the next batch.
        on_tokens: told how many more tokens were read, after each batch.
    """

    loaded: LoadedModel
    layers: Sequence[NeuronLayer]
    config: ScanConfig
    folders: CorpusFolders
    cancel: threading.Event | None = None
    on_tokens: Callable[[int], None] = lambda tokens: None

    def read(self, state: CorpusState, shard: int, documents: Iterable[Document]) -> None:
        """Add a shard to a state; on failure the state is spoilt, and what is on disk as it was.

        Raises:
            Cancelled: ``cancel`` was set.
            RunError: the disk is full or gone.
        """
        reader = ChunkReader(self.loaded.tokenizer, self.config, self.loaded.context, self.loaded.kind)
        size = self._batch_tokens()
        first_words = np.cumsum([0, *(len(category.words) for category in self.config.categories)])[:-1]
        try:
            for path in kept_paths(self.folders.text, [shard]):  # of an attempt that was stopped
                path.unlink()
            with (
                SampleFile(sample_path(self.folders.samples, shard), state.neurons) as file,
                closing(read_ahead(reader.chunks(documents, size * BATCHES_OF_CHUNK))) as chunks,
            ):
                for number, chunk in enumerate(chunks):
                    if chunk.tokens:
                        check_vocabulary(chunk.tokenized, self.loaded)
                    plan = plan_chunk(chunk, state, self.config, shard, file)
                    state.tallies.add(chunk, plan.inside, first_words)
                    for batch in self._batches(chunk, size):
                        self._check_cancelled()
                        self._read_batch(state, batch, plan.batch(batch), file)
                        self.on_tokens(int(batch.mask.sum()))
                    kept = tokens_of_chunk(chunk)
                    if len(kept):
                        kept.save(self.folders.text / f"{shard:06d}-{number:06d}.npz")
        except OSError as error:
            raise RunError(
                f"Shard {shard + 1} cannot be written to {self.folders.root}: {error.strerror or error}.",
                "Free some space and resume; the shards before it are kept.",
            ) from None
        state.shards |= {shard}

    def _batch_tokens(self) -> int:
        assert self.config.corpus is not None
        return self.config.corpus.batch_tokens or batch_tokens(self.loaded.device.type)

    def _batches(self, chunk: Chunk, size: int) -> Iterable[Batch]:
        if not chunk.tokenized.windows:
            return ()
        return sorted_batches(
            chunk.tokenized, chunk.tokenized.scored, size, self.loaded.device, reading_of(self.loaded)
        )

    def _check_cancelled(self) -> None:
        if self.cancel is not None and self.cancel.is_set():
            raise Cancelled("The scan was cancelled.")

    def _read_batch(self, state: CorpusState, batch: Batch, plan: BatchPlan, file: SampleFile) -> None:
        """One forward, in which every layer's activations are added to its statistics."""
        if not len(batch.take):  # windows of one token, which is not scored
            return
        places = {span.layer: number for number, span in enumerate(state.spans)}

        def on_layer(layer: NeuronLayer, parts: tuple[Activations, ...]) -> None:
            number = places[layer.layer]
            statistics, span = state.layers[number], state.spans[number]
            values = dense_activations(parts, len(plan.places))  # [rows, neurons]
            _add(statistics, parts, plan.places)
            pooled = plan.pooled(values)  # [occurrences, neurons]
            if len(pooled):
                statistics.add_occurrences(plan.categories, pooled)
            if len(plan.file_rows):
                file.write(plan.file_rows, span.first, plan.kept(values, pooled))

        settings = PassSettings(limit_neurons=self.config.limit_neurons, cancel=self.cancel)
        capture_batches(self.loaded, [batch], self.layers, on_layer, settings)


def _add(statistics: LayerStatistics, parts: Sequence[Activations], places: Places) -> None:
    """Add the activations of a layer's parts; those of routed experts with the tokens that came to each."""
    first = 0
    for part in parts:
        if part.tokens is None:
            statistics.add(part.values, places, first=first)
            first += part.values.shape[1]
            continue
        tokens, width = part.tokens.cpu().numpy(), part.values.shape[1]
        stop = 0
        for count in part.counts:
            mine = slice(stop, stop + count)
            routed = places.take(tokens[mine])
            statistics.add(part.values[mine], routed, positions=len(places), first=first)
            stop += count
            first += width


def keep_needed(
    folders: CorpusFolders, shards: Iterable[int], contexts: NDArray[np.int64], around: Surroundings
) -> None:
    """Cut the files of some shards' tokens down to what stands around contexts, ``[contexts]`` keys, rising.

    Raises:
        OSError: the disk is full or gone.
    """
    for path in kept_paths(folders.text, shards):
        tokens = KeptTokens.load(path)
        needed = needed_tokens(tokens, contexts, around)
        if not needed.any():
            path.unlink()
        elif not needed.all():
            tokens.select(needed).save(path)


def remove_unneeded(folders: CorpusFolders, state: CorpusState) -> None:
    """Remove the files of activations of shards in a state from which nothing is drawn any more."""
    drawn = {int(shard) for sample in (state.rest, *state.categories) for shard in np.unique(sample.shards)}
    for shard in state.shards - drawn:
        sample_path(folders.samples, shard).unlink(missing_ok=True)
