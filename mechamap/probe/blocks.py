"""A layer's activations over a text in blocks of neurons, so that routed experts need no row for each token."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from mechamap.capture.gather import dense_activations, select_positions
from mechamap.models.neurons.activations import Activations
from mechamap.models.neurons.layers import NeuronLayer

__all__ = ["neuron_blocks", "values_at", "values_of"]


def neuron_blocks(
    layer: NeuronLayer, parts: Sequence[Activations], positions: int, limit: int | None = None
) -> Iterator[tuple[slice, Tensor]]:
    """The layer's neurons, dense ones and then expert by expert, as a run has them.

    Args:
        positions: how many the activations are of.
        limit: as :meth:`mechamap.models.neurons.layers.NeuronLayer.widths` takes it.

    Yields:
        which of the layer's neurons, and their activations ``[positions, neurons]`` in float32; zero where a token was
        not routed to the expert.
    """
    first = 0
    for part, width in zip(parts, layer.widths(limit), strict=True):
        if part.tokens is None:
            yield slice(first, first + width), part.values[:, :width].float()
            first += width
            continue
        end = 0
        for count in part.counts:
            rows = slice(end, end + count)
            values = part.values.new_zeros(positions, width, dtype=torch.float32)  # [positions, width]
            values[part.tokens[rows]] = part.values[rows, :width].float()
            yield slice(first, first + width), values
            first, end = first + width, end + count


def values_at(
    layer: NeuronLayer, parts: Sequence[Activations], rows: Tensor, positions: int, limit: int | None = None
) -> Tensor:
    """The layer's neurons at some positions, ``[rows, neurons]`` in float32; arguments as of :func:`neuron_blocks`.

    Args:
        rows: ``[rows]``, the positions.
    """
    selected = []
    for part, width in zip(parts, layer.widths(limit), strict=True):
        chosen = select_positions(part, rows.to(part.values.device), positions)
        selected.append(Activations(chosen.values[:, :width], chosen.tokens, chosen.counts))
    return dense_activations(selected, len(rows)).to(torch.float32, copy=True)


def values_of(
    layer: NeuronLayer, parts: Sequence[Activations], index: int, expert: int, positions: int
) -> tuple[Tensor, Tensor | None]:
    """One neuron's activations, ``[positions]`` in float32, and which positions were routed to its expert.

    Raises:
        UsageError: the layer has no such neuron.
    """
    wanted, place = layer.part_of(index, expert)
    part = next(values for holder, values in zip(layer.parts, parts, strict=True) if holder is wanted)
    if part.tokens is None:
        return part.values[:, place].to(torch.float32, copy=True), None
    first = sum(part.counts[:expert])
    rows = slice(first, first + part.counts[expert])
    values = part.values.new_zeros(positions, dtype=torch.float32)  # [positions]
    routed = torch.zeros(positions, dtype=torch.bool, device=values.device)
    values[part.tokens[rows]] = part.values[rows, place].float()
    routed[part.tokens[rows]] = True
    return values, routed
