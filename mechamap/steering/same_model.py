"""Whether a model is still the one that a run was made from: one activation that the run has is computed again."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from mechamap.capture.hooked_pass import PassSettings, capture_layers
from mechamap.capture.rerun import layer_of_run, text_of_run
from mechamap.errors import RunError
from mechamap.models.loaded import LoadedModel
from mechamap.models.neurons.layers import NeuronLayer
from mechamap.runs.run import Run

__all__ = ["refuse_changed_model"]


_OFF = 0.02  # of the activation, that rounding may account for
_OFF_HALF = 0.2  # in half precision, in packed weights, or on another device than the scan's


def refuse_changed_model(run: Run, loaded: LoadedModel, row: int) -> None:
    """Refuse a model whose weights have changed since the scan; runs that keep no text cannot tell.

    The window that holds the neuron's highest activation is read again, up to its layer.

    Args:
        row: a neuron of the run.

    Raises:
        RunError: the activation is another one than the run has.
    """
    if run.why_not_rerun() or not run.has("top_positions"):
        return
    position, expected = int(run.figure("top_positions")[row, 0]), float(run.figure("top_values")[row, 0])
    text = text_of_run(run)
    window = next((each for each in text.windows if each.start <= position < each.start + each.length), None)
    if window is None or not np.isfinite(expected):
        return
    rows = run.layer_rows(int(run.layer_of[row]))
    layer = layer_of_run(run, rows, loaded)
    alone = np.zeros(len(text.ids), np.bool_)  # [positions]
    alone[position] = True
    collected: list[float] = []

    def on_layer(_layer: NeuronLayer, values: Tensor) -> None:
        collected.append(float(values[0, row - rows.first_row]))

    settings = PassSettings(position_mask=alone, limit_neurons=run.config.limit_neurons)
    capture_layers(loaded, replace(text, windows=(window,)), [layer], on_layer, settings)
    exact = loaded.dtype == torch.float32 and not loaded.packing and str(loaded.device) == run.record.model.device
    if abs(collected[0] - expected) > (_OFF if exact else _OFF_HALF) * abs(expected) + 1e-3:
        raise RunError(
            f"{loaded.label} has changed since {run.name} was made: {run.neuron_name(row)} was {expected:.4g} at its "
            f"highest token then and is {collected[0]:.4g} now.",
            "Scan the model again, or name the one that the run was made from.",
        )
