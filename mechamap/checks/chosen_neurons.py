"""Activations of chosen neurons over a text of any length, a batch of windows at a time."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mechamap.capture.hooked_pass import PassSettings, capture_layers
from mechamap.models.loaded import LoadedModel
from mechamap.models.neurons.layers import NeuronLayer
from mechamap.runs.record import LayerRows
from mechamap.text.tokenize import TokenizedText, Window

__all__ = ["ChosenNeurons", "batches_of"]


class ChosenNeurons:
    """Runs a model over windows and keeps chosen neurons only; layers above the highest of them do not run.

    Args:
        loaded: the model.
        layers: its layers, each with its rows in the run.
        rows: the neurons, by their rows in the run.
        cancel: set it to stop at the next layer.
    """

    def __init__(
        self,
        loaded: LoadedModel,
        layers: Sequence[tuple[NeuronLayer, LayerRows]],
        rows: Sequence[int],
        cancel: threading.Event | None,
    ) -> None:
        self._loaded = loaded
        self._cancel = cancel
        self._count = len(rows)
        self._chosen: dict[int, tuple[Tensor, Tensor]] = {}  # layer -> (its neurons, their columns)
        for layer, layer_rows in layers:
            own = range(layer_rows.first_row, layer_rows.first_row + layer_rows.width)
            places = [(row - own.start, column) for column, row in enumerate(rows) if row in own]
            if places:
                neurons, columns = (torch.tensor(part) for part in zip(*places, strict=True))
                self._chosen[layer.layer] = neurons, columns
        self._layers = [layer for layer, _ in layers if layer.layer in self._chosen]

    def activations(self, tokenized: TokenizedText, windows: Sequence[Window]) -> Tensor:
        """``[scored positions of the windows, neurons]`` float32, on the CPU.

        Raises:
            Cancelled: it was cancelled.
        """
        scored = tokenized.scored
        values = torch.empty(sum(int(scored[w.start : w.start + w.length].sum()) for w in windows), self._count)
        if not len(values):
            return values

        def on_layer(layer: NeuronLayer, activations: Tensor) -> None:
            neurons, columns = self._chosen[layer.layer]
            values[:, columns] = activations[:, neurons.to(activations.device)].float().cpu()

        part = replace(tokenized, windows=tuple(windows))
        settings = PassSettings(position_mask=_mask(tokenized, windows), cancel=self._cancel, give_back=False)
        capture_layers(self._loaded, part, self._layers, on_layer, settings)
        return values


def _mask(tokenized: TokenizedText, windows: Sequence[Window]) -> NDArray[np.bool_]:
    """The scored positions of some windows only, as the pass counts what its mask has, ``[positions]``."""
    mask = np.zeros_like(tokenized.scored)
    for window in windows:
        place = slice(window.start, window.start + window.length)
        mask[place] = tokenized.scored[place]
    return mask


def batches_of(windows: Sequence[Window], room: int) -> list[list[Window]]:
    """Consecutive windows in batches of one forward each, of at most ``room`` tokens, padding included."""
    batches: list[list[Window]] = []
    for window in windows:
        if batches and (len(batches[-1]) + 1) * max(member.length for member in [*batches[-1], window]) <= room:
            batches[-1].append(window)
        else:
            batches.append([window])
    return batches
