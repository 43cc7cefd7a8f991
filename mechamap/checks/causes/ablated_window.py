"""A window of the text that is read without single neurons: where they are seen, and held at their values."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mechamap.capture.batches import Batch
from mechamap.checks.causes.target_words import WordTargets, tokens_at
from mechamap.models.neurons.activations import Activations
from mechamap.models.neurons.layers import NeuronLayer
from mechamap.text.tokenize import TokenizedText

__all__ = ["Ablated", "AblatedWindow", "held_neurons", "seen_activations"]


@dataclass(frozen=True, slots=True)
class Ablated:
    """A neuron and the value that it is held at wherever positions are scored."""

    layer: int
    index: int
    value: float = 0.0
    expert: int = -1


@dataclass(frozen=True, slots=True, eq=False)
class AblatedWindow:
    """One window of the text, cut behind what predicts its last word."""

    ids: Tensor  # [1, length]
    mask: Tensor  # [1, length]
    take: Tensor  # [targets of the window] positions that predict a word
    words: Tensor  # [targets of the window] the words' first tokens
    scored: Tensor  # [scored positions of the window]
    targets: NDArray[np.intp]  # [targets of the window] their numbers among all

    @classmethod
    def of(cls, batch: Batch, text: TokenizedText, targets: WordTargets) -> AblatedWindow:
        positions = batch.positions[0]  # [length]
        predicted = positions[batch.take.cpu().numpy()] + 1  # [targets of the window]
        length = int(batch.take.max()) + 1
        device = batch.ids.device
        return cls(
            batch.ids[:, :length],
            batch.mask[:, :length],
            batch.take,
            torch.from_numpy(tokens_at(batch, predicted)).to(device),
            torch.from_numpy(np.flatnonzero(text.scored[positions[:length]])).to(device),
            np.searchsorted(targets.positions, predicted),
        )


@contextmanager
def seen_activations(layers: Sequence[NeuronLayer]) -> Iterator[dict[int, Tensor]]:
    """Within the context a forward over one window fills the activations of dense layers, ``[length, d_mlp]`` each."""
    by_layer: dict[int, Tensor] = {}

    def watch(layer: int) -> Callable[[Activations], None]:
        def hook(activations: Activations) -> None:
            by_layer[layer] = activations.values

        return hook

    with ExitStack() as hooks:
        for layer in layers:
            if layer.dense:
                hooks.callback(layer.parts[0].watch(watch(layer.layer)).remove)
        yield by_layer


@contextmanager
def held_neurons(layer: NeuronLayer, neurons: Sequence[Ablated], window: AblatedWindow, beside: int) -> Iterator[None]:
    """Within the context row ``beside + i`` of every batch has neuron ``i`` held at its value where it is scored."""
    by_part: dict[int, list[_Hold]] = {}
    for number, neuron in enumerate(neurons):
        part, place = layer.part_of(neuron.index, neuron.expert)
        by_part.setdefault(layer.parts.index(part), []).append(_Hold(beside + number, place, neuron))
    with ExitStack() as hooks:
        for number, holds in by_part.items():
            hooks.callback(layer.parts[number].watch(_holding(holds, window, beside + len(neurons))).remove)
        yield


@dataclass(frozen=True, slots=True)
class _Hold:
    """A neuron to hold: in which row of the batch, and where it is in its part (in its expert)."""

    row: int
    place: int
    neuron: Ablated


def _holding(holds: Sequence[_Hold], window: AblatedWindow, rows: int) -> Callable[[Activations], Tensor]:
    """A hook for one part that holds neurons at their values."""

    def hook(activations: Activations) -> Tensor:
        values = activations.values.clone()
        scored = window.scored.to(values.device)
        if activations.tokens is None:
            by_row = values.view(rows, -1, values.shape[-1])  # [rows, length, d_mlp]
            row = torch.tensor([hold.row for hold in holds], device=values.device)
            place = torch.tensor([hold.place for hold in holds], device=values.device)
            held = values.new_tensor([hold.neuron.value for hold in holds])
            by_row[row[:, None], scored, place[:, None]] = held[:, None]
            return values
        length = window.ids.shape[1]
        counts = torch.zeros(length, dtype=torch.bool, device=values.device)
        counts[scored] = True
        here, row_of = counts[activations.tokens % length], activations.tokens // length  # [routed] each
        expert_of = activations.experts()  # [routed]
        for hold in holds:
            of_hold = here & (row_of == hold.row) & (expert_of == hold.neuron.expert)
            values[of_hold, hold.place] = hold.neuron.value
        return values

    return hook
