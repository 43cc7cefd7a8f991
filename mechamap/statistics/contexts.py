"""The contexts in which each neuron is highest and lowest, each in another document.

A document counts with its best place, of equal ones the first. Of documents that are equal the one with the smaller key
goes first. A document that fell out of the list comes back only with a better value, so the list is the same in any
order of batches and merges.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mechamap.statistics.batch import LayerBatch
from mechamap.statistics.places import NONE, DevicePlaces

__all__ = ["Contexts"]


CHUNK_VALUES = 1 << 22  # looked at document by document at once
_NO_KEY = torch.iinfo(torch.int64).max  # sorts behind every key
_LOW = 0xFFFFFFFF


class Contexts:
    """The highest and the lowest contexts, ``[2, neurons, K]``: of the values, and of the values times -1.

    Attributes:
        values: float32, falling; -inf where there is none.
        keys: int64, -1 where there is none.
    """

    def __init__(self, values: Tensor, keys: Tensor) -> None:
        self.values = values
        self.keys = keys

    @classmethod
    def empty(cls, neurons: int, contexts: int, device: torch.device) -> Contexts:
        shape = (2, neurons, contexts)
        return cls(
            torch.full(shape, -torch.inf, dtype=torch.float32, device=device),
            torch.full(shape, NONE, dtype=torch.int64, device=device),
        )

    def part(self, rows: slice) -> Contexts:
        """Of some neurons; adding to it adds to this."""
        return Contexts(self.values[:, rows], self.keys[:, rows])

    def add(self, batch: LayerBatch) -> None:
        """Only neurons whose extreme in the batch may enter their list are looked at any closer."""
        if not len(batch.values):
            return
        extremes = torch.stack([batch.values.amax(dim=0), -batch.values.amin(dim=0)])  # [2, neurons]
        last, last_key = self.values[:, :, -1], self.keys[:, :, -1]
        enters = (extremes > last) | ((extremes == last) & (batch.places.least_key < last_key))
        sides, neurons = enters.nonzero(as_tuple=True)
        rows = max(CHUNK_VALUES // len(batch.values), 1)
        for side, columns in zip(torch.split(sides, rows), torch.split(neurons, rows), strict=True):
            sign = (1 - 2 * side).to(torch.float32)  # 1 for the highest, -1 for the lowest
            values, keys = _best_of_batch(batch.values[:, columns] * sign, batch.places, self.values.shape[2])
            self.values[side, columns], self.keys[side, columns] = _best(
                torch.cat([self.values[side, columns], values], dim=1),
                torch.cat([self.keys[side, columns], keys], dim=1),
                self.values.shape[2],
            )

    def merge(self, other: Contexts) -> None:
        device, contexts = self.values.device, self.values.shape[2]
        values, keys = _best(
            torch.cat([self.values, other.values.to(device)], dim=2).flatten(0, 1),
            torch.cat([self.keys, other.keys.to(device)], dim=2).flatten(0, 1),
            contexts,
        )
        self.values.copy_(values.view(self.values.shape))
        self.keys.copy_(keys.view(self.keys.shape))

    def arrays(self) -> dict[str, NDArray[Any]]:
        values, keys = self.values.cpu().numpy(), self.keys.cpu().numpy()
        values = np.where(keys == NONE, np.float32(np.nan), values + np.float32(0))  # 0 and -0 are the same
        return {
            "highest_values": values[0],
            "highest_keys": keys[0].copy(),
            "lowest_values": np.float32(0) - values[1],
            "lowest_keys": keys[1].copy(),
        }

    @classmethod
    def from_arrays(cls, arrays: dict[str, NDArray[Any]], device: torch.device) -> Contexts:
        values = np.stack([arrays["highest_values"], np.negative(arrays["lowest_values"])])
        keys = np.stack([arrays["highest_keys"], arrays["lowest_keys"]])
        values = np.where(keys == NONE, -np.inf, values)
        return cls(
            torch.tensor(values, dtype=torch.float32, device=device),
            torch.tensor(keys, dtype=torch.int64, device=device),
        )


def _best_of_batch(values: Tensor, places: DevicePlaces, contexts: int) -> tuple[Tensor, Tensor]:
    """Values and keys of the best documents of a batch, ``[columns, at most contexts]`` each.

    Args:
        values: ``[rows, columns]`` float32.
    """
    packed = _packed(values[places.by_key])  # [rows, columns]
    shape = places.documents, values.shape[1]
    best = torch.full(shape, torch.iinfo(torch.int64).min, dtype=torch.int64, device=values.device)
    best.scatter_reduce_(0, places.document[:, None].expand(packed.shape), packed, "amax")
    top = best.topk(min(contexts, len(best)), dim=0).values.T  # [columns, contexts]; they are all different
    return _unpacked(top), places.sorted_keys[_LOW - (top & _LOW)]


def _packed(values: Tensor) -> Tensor:
    """``[rows, columns]`` int64 that are ordered as the values are, of equal ones the first row as the largest."""
    bits = (values + 0.0).view(torch.int32)  # -0.0 becomes 0.0
    ordered = bits ^ ((bits >> 31) & 0x7FFFFFFF)  # negative floats are ordered backwards as integers
    rows = torch.arange(len(values), device=values.device)[:, None]
    return (ordered.to(torch.int64) << 32) | (_LOW - rows)


def _unpacked(packed: Tensor) -> Tensor:
    ordered = (packed >> 32).to(torch.int32)
    return (ordered ^ ((ordered >> 31) & 0x7FFFFFFF)).view(torch.float32)


def _best(values: Tensor, keys: Tensor, contexts: int) -> tuple[Tensor, Tensor]:
    """The best of candidates of which several may be of one document.

    Args:
        values, keys: ``[neurons, candidates]``, -inf and -1 where there is none.
    """
    keys = torch.where(keys == NONE, _NO_KEY, keys)
    values, keys = _in_order(values, keys)
    documents = keys >> 32
    documents, order = documents.sort(dim=1, stable=True)
    again = torch.zeros_like(documents, dtype=torch.bool)
    again[:, 1:] = documents[:, 1:] == documents[:, :-1]  # all but the best of each document
    values = values.gather(1, order).masked_fill_(again, -torch.inf)
    keys = keys.gather(1, order).masked_fill_(again, _NO_KEY)
    values, keys = _in_order(values, keys)
    values, keys = values[:, :contexts], keys[:, :contexts]
    return values, torch.where(keys == _NO_KEY, NONE, keys)


def _in_order(values: Tensor, keys: Tensor) -> tuple[Tensor, Tensor]:
    """Highest values first, of equal ones the smallest key."""
    keys, order = keys.sort(dim=1)
    values, falling = values.gather(1, order).sort(dim=1, descending=True, stable=True)
    return values, keys.gather(1, falling)
