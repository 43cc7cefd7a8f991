"""A model run again over a text, for its activations over the words and the placements of the categories' words."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mechamap.capture.gather import dense_activations, select_positions
from mechamap.capture.hooked_pass import PassSettings, capture_parts
from mechamap.capture.rerun import layers_of_run, text_of_run
from mechamap.compare.words.activations import ModelWords, empty_activations, placing_of_run
from mechamap.compare.words.placements import Placing
from mechamap.compare.words.words import Words, run_words, words_in
from mechamap.events import LayerFinished, Listener, Stage, StageEntered
from mechamap.models.loaded import LoadedModel
from mechamap.models.loading.trouble import translated
from mechamap.models.neurons.activations import Activations
from mechamap.models.neurons.layers import NeuronLayer
from mechamap.runs.record import LayerRows
from mechamap.runs.run import Run
from mechamap.text.occurrences import find_occurrences
from mechamap.text.token_record import token_record
from mechamap.text.tokenize import TokenizedText, tokenize

__all__ = ["read_words"]


def read_words(
    run: Run,
    loaded: LoadedModel,
    texts: Sequence[str] | None = None,
    *,
    placements: bool = False,
    on_event: Listener = lambda event: None,
    cancel: threading.Event | None = None,
) -> ModelWords:
    """A run's neurons over the words of its own text, or of other texts, from its model.

    Args:
        run: a run on disk.
        loaded: the model that the run is about.
        texts: to be read instead of the run's own, with the run's settings.
        placements: whether to work out those of the words of the run's categories as well.
        on_event: called with the events of the pass and its layers.
        cancel: set it to stop.

    Raises:
        Cancelled: ``cancel`` was set.
        RunError: the run has no text and none is given, or its model is another one.
        TextError: the texts cannot be read.
    """
    _ = run.folder_to_rerun() if texts is None else run.folder_with_model()
    layers = layers_of_run(run, loaded)
    text, words, placing = _own_text(run, placements) if texts is None else _other(run, loaded, texts, placements)
    numbers = np.flatnonzero(words.positions >= 0)
    positions = words.positions[numbers]  # [words]
    selected = text.scored if placing is not None else np.isin(np.arange(len(text.ids)), positions)  # [positions]
    values = empty_activations(run, len(numbers))
    on_event(StageEntered(Stage.PASS, f"{run.label}: {len(layers)} layers, {len(text.ids):,} tokens"))
    reader = _LayerReader(layers, values, (np.cumsum(selected) - 1)[positions], int(selected.sum()), placing, on_event)
    with translated(loaded.id):
        capture_parts(
            loaded,
            text,
            [layer for layer, _ in layers],
            reader.layer,
            PassSettings(position_mask=selected, limit_neurons=run.config.limit_neurons, cancel=cancel),
        )
    placed = placing.placed() if placing is not None else None
    return ModelWords(run, words, numbers, np.arange(len(numbers)), values, placed)


def _own_text(run: Run, placements: bool) -> tuple[TokenizedText, Words, Placing | None]:
    return text_of_run(run), run_words(run), placing_of_run(run) if placements else None


def _other(
    run: Run, loaded: LoadedModel, texts: Sequence[str], placements: bool
) -> tuple[TokenizedText, Words, Placing | None]:
    """Other texts as the run's model reads them."""
    config = run.config
    text = tokenize(texts, loaded.tokenizer, config, loaded.context, loaded.kind)
    tokens = token_record(text)
    placing = None
    if placements:
        occurrences = find_occurrences(text, texts, config.categories)
        routed = run.has("occurrences")
        categories = {category.name: category.words for category in config.categories}
        placing = Placing(text, occurrences, categories, pooling=config.pooling, neurons=run.neurons, routed=routed)
    return text, words_in(tuple(texts), tokens), placing


@dataclass(slots=True)
class _LayerReader:
    """What happens each time a layer is reached."""

    layers: Sequence[tuple[NeuronLayer, LayerRows]]
    values: NDArray[np.float32]  # [neurons, words]
    places: NDArray[np.intp]  # [words] among the selected positions
    count: int  # of selected positions
    placing: Placing | None
    on_event: Listener

    def layer(self, layer: NeuronLayer, parts: tuple[Activations, ...]) -> None:
        done, rows = next((index, rows) for index, (known, rows) in enumerate(self.layers) if known is layer)
        device = parts[0].values.device
        places, back = np.unique(self.places, return_inverse=True)  # one token may be the last of several words
        chosen = tuple(select_positions(part, torch.from_numpy(places).to(device), self.count) for part in parts)
        self.values[rows.rows] = _rows_of(dense_activations(chosen, len(places)))[:, back]
        if self.placing is not None:
            self._place(self.placing, rows, parts)
        self.on_event(LayerFinished(layer.layer, done + 1, len(self.layers), rows.rows.stop))

    def _place(self, placing: Placing, rows: LayerRows, parts: tuple[Activations, ...]) -> None:
        first = rows.first_row
        for part in parts:
            width = part.values.shape[1]
            if part.tokens is None:
                placing.add(slice(first, first + width), _rows_of(part.values))
                first += width
                continue
            tokens, start = part.tokens.cpu().numpy(), 0
            for count in part.counts:
                mine = slice(start, start + count)
                placing.add(slice(first, first + width), _rows_of(part.values[mine]), tokens[mine])
                first, start = first + width, start + count


def _rows_of(values: Tensor) -> NDArray[np.float32]:
    """``[positions, neurons]`` of any type on any device as ``[neurons, positions]``."""
    rows: NDArray[np.float32] = values.float().T.contiguous().cpu().numpy()
    return rows
