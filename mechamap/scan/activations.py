"""The activations of one layer over a run's own text, computed on demand."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from mechamap.capture.hooked_pass import PassSettings, capture_layers
from mechamap.capture.rerun import kept_stretch, layer_of_run, text_of_run
from mechamap.models.loaded import LoadedModel
from mechamap.models.loading.trouble import translated
from mechamap.models.neurons.layers import NeuronLayer
from mechamap.runs.run import Run, activations_file
from mechamap.runs.writer import write_activations
from mechamap.scan.scan import half

__all__ = ["layer_activations", "window_activations"]


def layer_activations(run: Run, layer: int, loaded: LoadedModel) -> Path:
    """Keep a layer's activations in the run's folder, ``[neurons of the layer, positions]`` float16.

    Args:
        run: a run on disk; its own tokens are run through the model again, up to this layer.
        layer: one of the run's layers.
        loaded: the model that the run is about.

    Returns:
        The file, which :meth:`mechamap.runs.run.Run.activations` reads.

    Raises:
        RunError: the run has no folder or no text, or the model is not the run's.
        UsageError: the run has no such layer.
    """
    folder = run.folder_to_rerun()
    rows = run.layer_rows(layer)
    if run.activations(layer) is not None:
        return activations_file(folder, layer)
    neuron_layer = layer_of_run(run, rows, loaded)
    collected: list[NDArray[np.float16]] = []

    def on_layer(_layer: NeuronLayer, activations: Tensor) -> None:
        collected.append(half(activations))

    capture_layers(loaded, text_of_run(run), [neuron_layer], on_layer, PassSettings(limit_neurons=rows.width))
    return write_activations(folder, layer, collected[0])


def window_activations(
    run: Run, row: int, position: int, loaded: LoadedModel, cancel: threading.Event | None = None
) -> tuple[int, NDArray[np.float32]]:
    """One neuron's activations over the tokens that a run over a corpus keeps around a position.

    Args:
        run: on disk, over a corpus.
        row: the neuron's.
        position: of a token that the run keeps; the whole stretch that holds it is read, by itself.
        loaded: the model that the run is about.
        cancel: set it to stop.

    Returns:
        The stretch's first position, and ``[tokens of the stretch]``; zero at those that were not routed to the
        neuron's expert.

    Raises:
        Cancelled: ``cancel`` was set.
        RunError: the run keeps no such token, or the model is not the run's.
    """
    rows = run.layer_rows(int(run.layer_of[row]))
    layer = layer_of_run(run, rows, loaded)
    first, tokenized = kept_stretch(run, position, loaded)
    collected: list[NDArray[np.float32]] = []

    def on_layer(_layer: NeuronLayer, activations: Tensor) -> None:
        collected.append(activations[:, row - rows.first_row].float().cpu().numpy())

    settings = PassSettings(position_mask=tokenized.scored, limit_neurons=rows.width, cancel=cancel)
    with translated(loaded.id):
        capture_layers(loaded, tokenized, [layer], on_layer, settings)
    return first, collected[0]
