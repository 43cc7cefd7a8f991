"""A run and its model together again: the run's layers in the model, its text as the model reads it, its positions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mechamap.errors import RunError
from mechamap.runs.corpus.tokens import Stretches
from mechamap.runs.record import LayerRows
from mechamap.runs.run import Run
from mechamap.runs.scanned import Exclusions
from mechamap.text.occurrences import Occurrence
from mechamap.text.special_tokens import specials_around
from mechamap.text.tokenize import TokenizedText, Window
from mechamap.wording.advice import RESUME, Advice

if TYPE_CHECKING:
    from mechamap.models.loaded import LoadedModel
    from mechamap.models.neurons.layers import NeuronLayer

__all__ = ["kept_stretch", "layer_of_run", "layers_of_run", "occurrences_of_run", "text_of_run"]


def layer_of_run(run: Run, rows: LayerRows, loaded: LoadedModel) -> NeuronLayer:
    """The model's layer that some rows of a run are about.

    Raises:
        RunError: the model is not the run's.
    """
    layer = next((layer for layer in loaded.layers if layer.layer == rows.layer), None)
    if layer is None or layer.width != rows.d_mlp:
        raise RunError(
            f"{loaded.label} is not the model of {run.name}: layer {rows.layer} has different neurons.",
            "Use the model and revision that the run was made with.",
        )
    return layer


def layers_of_run(run: Run, loaded: LoadedModel) -> list[tuple[NeuronLayer, LayerRows]]:
    """The complete layers of a run with their place in the model, in the order of the forward.

    Raises:
        RunError: the model is not the run's, or no layer is complete.
    """
    layers = [(layer_of_run(run, rows, loaded), rows) for rows in run.complete_layers]
    if not layers:
        raise RunError(f"No layer of {run.name} is complete.", Advice.of("Resume the scan: {}.", RESUME))
    return layers


def text_of_run(run: Run) -> TokenizedText:
    """The text that a run was made from, token by token; without offsets, since its words were found already."""
    tokens = run.record.tokens
    count = len(tokens.ids)
    special = np.zeros(count, bool)
    special[list(tokens.special)] = True
    scored = np.ones(count, bool)
    scored[list(tokens.excluded)] = False
    return TokenizedText(
        ids=np.array(tokens.ids, np.int32),
        pieces=tuple(tokens.pieces),
        offsets=np.full((count, 2), -1, np.int32),
        special=special,
        scored=scored,
        windows=tuple(Window(*window) for window in tokens.windows),
        exclusions=run.record.exclusions or Exclusions(),
    )


def kept_stretch(run: Run, position: int, loaded: LoadedModel) -> tuple[int, TokenizedText]:
    """A stretch of tokens that a run over a corpus keeps, as a window of the model, and its first position in the run.

    The special tokens of the scan stand around it, as around each window; only the run's own tokens count as scored.

    Raises:
        RunError: the run keeps no token of that number.
    """
    tokens = run.record.tokens
    if not isinstance(tokens.windows, Stretches) or not 0 <= position < len(tokens.ids):
        raise RunError(f"{run.name} keeps no token number {position}.", "Open the run again: it was written anew.")
    _, first, length, _ = tokens.windows.at(position)
    around = specials_around(loaded.tokenizer, loaded.kind, run.config.add_bos)
    ids = np.array(around.around(list(tokens.ids[first : first + length])), np.int32)
    scored = np.zeros(len(ids), bool)
    scored[len(around.front) : len(around.front) + length] = True
    return first, TokenizedText(
        ids=ids,
        pieces=("",) * len(ids),
        offsets=np.full((len(ids), 2), -1, np.int32),
        special=~scored,
        scored=scored,
        windows=(Window(0, 0, len(ids)),),
    )


def occurrences_of_run(run: Run) -> tuple[Occurrence, ...]:
    """Where the words of the categories stand in the run's text; characters are not kept, so they read 0."""
    return tuple(
        Occurrence(category, word, 0, 0, 0, first, last) for category, word, first, last in run.record.occurrences
    )
