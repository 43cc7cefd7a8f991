"""A batch of one layer's activations, as the statistics are given it."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from mechamap.statistics.bins import bins_of
from mechamap.statistics.places import DevicePlaces, Places

__all__ = ["LayerBatch"]


@dataclass(frozen=True, slots=True, eq=False)
class LayerBatch:
    """Activations of some neurons and where in the corpus they are.

    Attributes:
        values: ``[rows, neurons]`` float32.
        bins: ``[rows, neurons]`` uint8, the values' columns of the histogram.
        places: of the rows, on the device of the values.
        positions: of how many positions; at those that have no row the neurons are zero.
    """

    values: Tensor
    bins: Tensor
    places: DevicePlaces
    positions: int

    @classmethod
    def of(cls, values: Tensor, places: Places, positions: int) -> LayerBatch:
        """A batch from values of any float type."""
        read = values.to(torch.float32).contiguous()
        return cls(read, bins_of(read), places.on(values.device), positions)
