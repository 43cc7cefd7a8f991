"""Activations of a layer put together: from the batches that a text was cut into, and from the parts of the layer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from mechamap.capture.batches import Batch
from mechamap.models.neurons.activations import Activations
from mechamap.models.neurons.layers import NeuronLayer, NeuronPart

__all__ = ["ActivationBuffer", "activation_buffer", "dense_activations", "select_positions"]


def activation_buffer(layer: NeuronLayer, part: NeuronPart, batches: Sequence[Batch]) -> ActivationBuffer:
    """What puts a part's activations together."""
    if part.experts:
        return _ExpertActivationBuffer(batches, layer.side)
    return ActivationBuffer(batches, layer.side)


class ActivationBuffer:
    """A dense part's activations, put together from the batches in the order of the text."""

    def __init__(self, batches: Sequence[Batch], side: str) -> None:
        self._batches = batches
        self._side = side
        self._ends = np.cumsum([len(batch.take) for batch in batches]).tolist()
        self._buffer: Tensor | None = None
        self.reached: set[int] = set()

    @property
    def complete(self) -> bool:
        """Whether every batch has come here."""
        return len(self.reached) == len(self._batches)

    def add(self, turn: int, activations: Activations) -> None:
        """Copy the wanted rows of a batch's ``[windows * length, neurons]``; the batch may be freed then."""
        values = activations.values
        take = self._batches[turn].take_for(self._side, len(values)).to(values.device)
        if self._buffer is None:
            self._buffer = values.new_empty(self._ends[-1], values.shape[1])  # [wanted, neurons]
        torch.index_select(values, 0, take, out=self._buffer[self._ends[turn] - len(take) : self._ends[turn]])
        self.reached.add(turn)

    def whole(self) -> Activations:
        """All of them, once every batch has come here."""
        assert self._buffer is not None
        return Activations(self._buffer)

    def take_whole(self) -> Tensor:
        """All of them, ``[wanted positions, width]``; they are not kept here any longer."""
        values, self._buffer = self.whole().values, None
        return values


class _ExpertActivationBuffer(ActivationBuffer):
    """Those of routed experts: which wanted tokens came to each expert, and what they were there."""

    def __init__(self, batches: Sequence[Batch], side: str) -> None:
        super().__init__(batches, side)
        self._by_turn: dict[int, Activations] = {}

    def add(self, turn: int, activations: Activations) -> None:
        assert activations.tokens is not None
        device = activations.values.device
        take = self._batches[turn].take.to(device)
        first = self._ends[turn] - len(take)
        place = torch.full((self._batches[turn].ids.numel(),), -1, device=device)  # of each token among the wanted ones
        place[take] = torch.arange(first, first + len(take), device=device)
        rows = place[activations.tokens]  # [routed]
        wanted = rows >= 0
        counts = torch.bincount(activations.experts()[wanted], minlength=len(activations.counts)).tolist()
        self._by_turn[turn] = Activations(activations.values[wanted], rows[wanted], tuple(counts))
        self.reached.add(turn)

    def whole(self) -> Activations:
        batches = [self._by_turn[turn] for turn in sorted(self._by_turn)]
        if len(batches) == 1:
            return batches[0]
        experts = torch.cat([batch.experts() for batch in batches])
        order = torch.argsort(experts, stable=True)
        tokens = torch.cat([batch.tokens for batch in batches if batch.tokens is not None])
        counts = np.sum([batch.counts for batch in batches], axis=0).tolist()
        values = torch.cat([batch.values for batch in batches])
        return Activations(values[order], tokens[order], tuple(counts))


def dense_activations(parts: Sequence[Activations], positions: int) -> Tensor:
    """Activations of a layer's parts side by side, ``[positions, neurons]``; zero where a token was not routed."""
    if len(parts) == 1 and parts[0].tokens is None:
        return parts[0].values
    pieces = []
    for part in parts:
        if part.tokens is None:
            pieces.append(part.values)
            continue
        width = part.values.shape[1]
        wide = part.values.new_zeros(positions, len(part.counts), width)
        wide[part.tokens, part.experts()] = part.values
        pieces.append(wide.view(positions, -1))
    return torch.cat(pieces, dim=1)


def select_positions(part: Activations, rows: Tensor, positions: int) -> Activations:
    """A part's activations at some of its ``positions``: at ``rows``, ``[n]``."""
    if part.tokens is None:
        return replace(part, values=part.values[rows])  # [S, neurons]
    place = torch.full((positions,), -1, device=rows.device)
    place[rows] = torch.arange(len(rows), device=rows.device)
    tokens = place[part.tokens]
    selected = tokens >= 0
    counts = torch.bincount(part.experts()[selected], minlength=len(part.counts)).tolist()
    return Activations(part.values[selected], tokens[selected], tuple(counts))
