"""The activations of one layer over a run's own text, computed on demand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from mechamap.capture.hooked_pass import PassSettings, capture_layers
from mechamap.capture.rerun import layer_of_run, text_of_run
from mechamap.models.loaded import LoadedModel
from mechamap.models.neurons.layers import NeuronLayer
from mechamap.runs.run import Run, activations_file
from mechamap.runs.writer import write_activations
from mechamap.scan.scan import half

__all__ = ["layer_activations"]


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
