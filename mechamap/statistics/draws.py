"""A few contexts of each octave of each neuron's activations, drawn by the hash of their places."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mechamap.statistics.batch import LayerBatch
from mechamap.statistics.bins import OCTAVES
from mechamap.statistics.places import NONE, signed_hashes

__all__ = ["DRAWN", "NO_HASH", "Draws"]


DRAWN = 4  # contexts of an octave
NO_HASH = torch.iinfo(torch.int64).max
FIRST_ROWS = 64  # most octaves that are common have their draws after so many rows in the order of their hashes
CHUNK_VALUES = 1 << 22


class Draws:
    """The places with the smallest hashes in each octave, smallest first.

    Attributes:
        seed: of the draws.
        values: ``[neurons, 32, 4]`` float32, NaN where there is none.
        keys: ``[neurons, 32, 4]`` int64, -1 where there is none.
        worst: ``[neurons, 32]`` int64, the signed hash of the last one; only a smaller one is drawn. The largest int64
            where there is room.
    """

    def __init__(self, seed: int, values: Tensor, keys: Tensor, worst: Tensor) -> None:
        self.seed = seed
        self.values = values
        self.keys = keys
        self.worst = worst

    @classmethod
    def empty(cls, neurons: int, seed: int, device: torch.device) -> Draws:
        shape = (neurons, OCTAVES, DRAWN)
        return cls(
            seed,
            torch.full(shape, torch.nan, dtype=torch.float32, device=device),
            torch.full(shape, NONE, dtype=torch.int64, device=device),
            torch.full(shape[:2], NO_HASH, dtype=torch.int64, device=device),
        )

    def part(self, rows: slice) -> Draws:
        """Of some neurons; adding to it adds to this."""
        return Draws(self.seed, self.values[rows], self.keys[rows], self.worst[rows])

    def add(self, batch: LayerBatch) -> None:
        """Rows are met in the order of their hashes, so that all but the first ones are soon beaten."""
        places, neurons = batch.places, batch.values.shape[1]
        most = max(CHUNK_VALUES // max(neurons, 1), 1)
        first, size = 0, min(FIRST_ROWS, most)
        while first < len(batch.values):
            rows = places.by_hash[first : first + size]  # [rows]
            order = places.hash_order[first : first + size]
            octaves = (batch.bins[rows] >> 1).to(torch.int64)  # [rows, neurons]
            drawn = order[:, None] <= self.worst.T.gather(0, octaves)
            row, neuron = drawn.nonzero(as_tuple=True)
            if len(row):
                cells = neuron * OCTAVES + octaves[row, neuron]
                self._insert(cells, batch.values[rows[row], neuron], places.hash_keys[first + row])
            first, size = first + size, min(size * 4, most)

    def _insert(self, cells: Tensor, values: Tensor, keys: Tensor) -> None:
        """Put contexts in their cells.

        Args:
            cells: ``[contexts]``, neuron * 32 + octave.
            values, keys: ``[contexts]``, in the order of their hashes.
        """
        cells, order = cells.sort(stable=True)
        starts = torch.ones_like(cells, dtype=torch.bool)
        starts[1:] = cells[1:] != cells[:-1]
        number = starts.cumsum(0) - 1
        touched, start = cells[starts], starts.nonzero().squeeze(1)
        rank = torch.arange(len(cells), device=cells.device) - start[number]
        first = rank < DRAWN
        number, rank, order = number[first], rank[first], order[first]
        neuron, octave = touched // OCTAVES, touched % OCTAVES
        new_values = torch.full((len(touched), DRAWN), torch.nan, dtype=torch.float32, device=cells.device)
        new_keys = torch.full((len(touched), DRAWN), NONE, dtype=torch.int64, device=cells.device)
        new_values[number, rank], new_keys[number, rank] = values[order], keys[order]
        (
            self.values[neuron, octave],
            self.keys[neuron, octave],
            self.worst[neuron, octave],
        ) = self._drawn(
            torch.cat([self.values[neuron, octave], new_values], dim=1),
            torch.cat([self.keys[neuron, octave], new_keys], dim=1),
        )

    def merge(self, other: Draws) -> None:
        device = self.values.device
        values, keys, worst = self._drawn(
            torch.cat([self.values, other.values.to(device)], dim=2),
            torch.cat([self.keys, other.keys.to(device)], dim=2),
        )
        self.values.copy_(values)
        self.keys.copy_(keys)
        self.worst.copy_(worst)

    def _drawn(self, values: Tensor, keys: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Of candidates ``[..., candidates]`` those with the smallest hashes, and the hash of the last."""
        order = torch.where(keys == NONE, NO_HASH, signed_hashes(self.seed, keys))
        order, index = order.sort(dim=-1)
        index = index[..., :DRAWN]
        return values.gather(-1, index), keys.gather(-1, index), order[..., DRAWN - 1]

    def arrays(self) -> dict[str, NDArray[Any]]:
        return {
            "drawn_values": self.values.cpu().numpy() + np.float32(0),  # 0 and -0 are the same
            "drawn_keys": self.keys.cpu().numpy().copy(),
        }

    @classmethod
    def from_arrays(cls, arrays: dict[str, NDArray[Any]], seed: int, device: torch.device) -> Draws:
        values = torch.tensor(arrays["drawn_values"], dtype=torch.float32, device=device)
        keys = torch.tensor(arrays["drawn_keys"], dtype=torch.int64, device=device)
        last = keys[..., -1]
        return cls(seed, values, keys, torch.where(last == NONE, NO_HASH, signed_hashes(seed, last)))
