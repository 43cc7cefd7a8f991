"""Neurons changed while a model reads: each row of a batch in its own way.

A change is made where a down-projection is given its neurons, by adding to one or by setting it, for the neurons that
are named and no others. What a hook of plain PyTorch on the same module would do is done to each row alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor

from mechamap.errors import UnsupportedModel, UsageError
from mechamap.models.loaded import LoadedModel
from mechamap.models.neurons.activations import Activations
from mechamap.models.neurons.layers import NeuronLayer, NeuronPart
from mechamap.runs.neuron_names import NeuronName

__all__ = ["NeuronChange", "Reach", "Reading", "layer_numbered", "steered"]


@dataclass(frozen=True, slots=True)
class NeuronChange:
    """What is done to one neuron: ``value`` is added to its activation, or takes its place."""

    neuron: NeuronName
    value: float
    adds: bool


@dataclass(frozen=True, slots=True)
class Reach:
    """The positions that are steered, counted from the first that the model reads; ``end`` None: all that follow."""

    first: int
    end: int | None = None


@dataclass(slots=True)
class Reading:
    """The positions that the next forward reads: behind a cache they do not begin at 0."""

    first: int = 0
    length: int = 0


@contextmanager
def steered(
    loaded: LoadedModel, rows: Sequence[Sequence[NeuronChange]], reach: Reach, reading: Reading
) -> Iterator[None]:
    """Within the context row ``i`` of every batch has the changes ``rows[i]`` made to it.

    Args:
        rows: for each row the changes, none for an untouched one; a neuron occurs at most once in each.
        reach: which positions are steered.
        reading: which positions a forward reads; whoever runs one says so there first.

    Raises:
        UsageError: the model has no such neuron.
        UnsupportedModel: a layer's activations are not one row for each token.
    """
    by_part: dict[tuple[int, int], list[_Place]] = {}
    for row, changes in enumerate(rows):
        for change in changes:
            layer = layer_numbered(loaded, change.neuron.layer)
            part, place = layer.part_of(change.neuron.index, change.neuron.expert)
            by_part.setdefault((layer.layer, layer.parts.index(part)), []).append(_Place(row, place, change))
    with ExitStack() as hooks:
        for (number, part_number), places in by_part.items():
            part = layer_numbered(loaded, number).parts[part_number]
            amounts = _Amounts.of(part, places, len(rows))
            hooks.callback(part.watch(_hook(part, amounts, reach, reading)).remove)
        yield


def layer_numbered(loaded: LoadedModel, number: int) -> NeuronLayer:
    """The layer of that number.

    Raises:
        UsageError: the model has none.
    """
    for layer in loaded.layers:
        if layer.layer == number:
            return layer
    raise UsageError(
        f"Layer {number} does not exist: {loaded.label} has layers {loaded.layers[0].layer} to "
        f"{loaded.layers[-1].layer}."
    )


@dataclass(frozen=True, slots=True)
class _Place:
    row: int
    place: int  # in its part, or in its expert
    change: NeuronChange


@dataclass(frozen=True, slots=True, eq=False)
class _Amounts:
    """What is added to each neuron of a part, and which neurons are set to zero before it is.

    Both are ``[rows, width]``, of routed experts ``[rows, experts, width]``.
    """

    added: Tensor
    cleared: Tensor

    @classmethod
    def of(cls, part: NeuronPart, places: Sequence[_Place], rows: int) -> _Amounts:
        shape = (rows, part.experts, part.width) if part.experts else (rows, part.width)
        added = torch.zeros(shape, dtype=torch.float64)
        cleared = torch.zeros(shape, dtype=torch.bool)
        cells = [torch.tensor([each.row for each in places]), torch.tensor([each.place for each in places])]
        if part.experts:
            cells.insert(1, torch.tensor([each.change.neuron.expert for each in places]))
        added[tuple(cells)] = torch.tensor([each.change.value for each in places], dtype=torch.float64)
        cleared[tuple(cells)] = torch.tensor([not each.change.adds for each in places])
        return cls(added, cleared)

    def like(self, values: Tensor) -> _Amounts:
        """The same in the format and on the device of activations."""
        return _Amounts(self.added.to(values), self.cleared.to(values.device))

    def applied(self, values: Tensor, chosen: tuple[Tensor, ...] | tuple[slice, None]) -> Tensor:
        """Activations with the amounts of ``chosen``, which picks as many rows as there are."""
        return torch.where(self.cleared[chosen], 0, values) + self.added[chosen]


def _hook(part: NeuronPart, amounts: _Amounts, reach: Reach, reading: Reading) -> Callable[[Activations], Tensor]:
    rows = len(amounts.added)
    alike: list[_Amounts] = []  # in the format of the activations, once these are known

    def hook(activations: Activations) -> Tensor:
        values = activations.values
        if not alike:
            alike.append(amounts.like(values))
        here = alike[0]
        first = max(reach.first - reading.first, 0)
        end = reading.length if reach.end is None else min(reach.end - reading.first, reading.length)
        if activations.tokens is None:
            if len(values) != rows * reading.length:
                raise UnsupportedModel(
                    f"{part.path} has {len(values):,} rows of activations for {rows * reading.length:,} tokens, so the "
                    "token of each row is unknown.",
                    "Models that change the sequence internally cannot be steered.",
                )
            if first >= end:
                return values
            changed = values.view(rows, reading.length, -1).clone()  # [rows, length, width]
            changed[:, first:end] = here.applied(changed[:, first:end], (slice(None), None))
            return changed.view_as(values)
        token, row = activations.tokens % reading.length, activations.tokens // reading.length  # [routed] each
        inside = (token >= first) & (token < end)  # [routed]
        changed = here.applied(values, (row, activations.experts()))  # [routed, width]
        return torch.where(inside[:, None], changed, values)

    return hook
