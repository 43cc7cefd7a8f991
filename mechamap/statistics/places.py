"""Places in a corpus: which token of which document, packed into one integer, and the hash by which they are drawn.

A place has the same key and the same hash however the corpus is cut into shards and batches. What is drawn are the
places with the smallest hashes, so that a draw does not depend on the order in which they are met either.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mechamap.statistics.tiles import TileOrder

__all__ = [
    "NONE",
    "DevicePlaces",
    "Places",
    "documents_of",
    "hash_start",
    "hashes",
    "place_keys",
    "positions_of",
    "signed_hashes",
]


NONE = -1  # the key of no place

# splitmix64: Steele, Lea and Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014, with the constants
# of variant 13 of Stafford's mixers.
GAMMA = 0x9E3779B97F4A7C15
FIRST_FACTOR = 0xBF58476D1CE4E5B9
SECOND_FACTOR = 0x94D049BB133111EB

_SIGN = -(1 << 63)


def place_keys(documents: NDArray[np.int64], positions: NDArray[np.int64]) -> NDArray[np.int64]:
    """Keys of places: document number << 32 | token position in the document, both below 2^31 and at least 0."""
    return np.left_shift(documents, 32, dtype=np.int64) | positions


def documents_of(keys: NDArray[np.int64]) -> NDArray[np.int64]:
    """The document number of each key; -1 for no place."""
    return keys >> 32


def positions_of(keys: NDArray[np.int64]) -> NDArray[np.int64]:
    """The token position in its document of each key; -1 for no place."""
    return np.where(keys == NONE, NONE, keys & 0xFFFFFFFF)


def hashes(seed: int, keys: NDArray[np.int64]) -> NDArray[np.uint64]:
    """The hash of each key: with one seed, different keys have different hashes.

    It is the finalizer of splitmix64 over the key moved by a start that is itself the hash of the seed.
    """
    with np.errstate(over="ignore"):
        return _mixed(keys.astype(np.uint64) + np.uint64(hash_start(seed)))


def hash_start(seed: int) -> int:
    """What is added to keys before they are mixed, 0 to 2^64 - 1."""
    with np.errstate(over="ignore"):
        return int(_mixed(np.array([(seed + GAMMA) % 2**64], np.uint64))[0])


def _mixed(state: NDArray[np.uint64]) -> NDArray[np.uint64]:
    state = (state ^ (state >> np.uint64(30))) * np.uint64(FIRST_FACTOR)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(SECOND_FACTOR)
    return state ^ (state >> np.uint64(31))


def signed_hashes(seed: int, keys: Tensor) -> Tensor:
    """:func:`hashes` on any device, moved by -2^63 so that int64 orders them in the same way."""
    state = keys + _as_signed(hash_start(seed))
    for shift, factor in ((30, FIRST_FACTOR), (27, SECOND_FACTOR)):
        state = (state ^ _shifted(state, shift)) * _as_signed(factor)
    return (state ^ _shifted(state, 31)) ^ _SIGN


def _shifted(state: Tensor, by: int) -> Tensor:
    """Shifted to the right as unsigned."""
    return (state >> by) & ((1 << (64 - by)) - 1)


def _as_signed(value: int) -> int:
    return value - 2**64 if value >= 2**63 else value


class Places:
    """The places that the rows of a batch's activations are at, prepared once for all layers.

    Args:
        keys: ``[positions]`` int64, all different.
        seed: of the draws.
    """

    def __init__(self, keys: NDArray[np.int64], seed: int) -> None:
        self.keys = np.ascontiguousarray(keys, np.int64)
        self.seed = seed
        self._on: dict[torch.device, DevicePlaces] = {}

    def __len__(self) -> int:
        return len(self.keys)

    @cached_property
    def hashes(self) -> NDArray[np.uint64]:
        """``[positions]``, of the keys."""
        return hashes(self.seed, self.keys)

    @cached_property
    def by_hash(self) -> NDArray[np.intp]:
        """``[positions]``, the rows in rising order of hash."""
        return np.argsort(self.hashes)

    @cached_property
    def by_key(self) -> NDArray[np.intp]:
        """``[positions]``, the rows in rising order of key."""
        return np.argsort(self.keys)

    @cached_property
    def tiles(self) -> TileOrder:
        """The places tile by tile, for the CPU."""
        return TileOrder.of(self.keys, self.hashes, self.by_hash)

    @cached_property
    def least_key(self) -> int:
        """The smallest key; that of no place where there are none."""
        return int(self.keys.min()) if len(self.keys) else NONE

    def on(self, device: torch.device) -> DevicePlaces:
        """The places as tensors on a device, copied there once."""
        if device not in self._on:
            self._on[device] = DevicePlaces(self, device)
        return self._on[device]

    def take(self, rows: NDArray[np.integer]) -> Places:
        """The places of some rows, such as of the tokens that were routed to an expert."""
        return Places(self.keys[rows], self.seed)


class DevicePlaces:
    """What the statistics need of a batch's places on a device.

    Attributes:
        by_hash: ``[positions]`` rows in rising order of hash.
        hash_keys, hash_order: ``[positions]`` keys and signed hashes in that order.
        by_key: ``[positions]`` rows in rising order of key.
        sorted_keys: ``[positions]`` keys in that order.
        document: ``[positions]`` in that order, the documents of the batch numbered from 0.
        documents: how many there are.
    """

    def __init__(self, places: Places, device: torch.device) -> None:
        def moved(array: NDArray[np.integer]) -> Tensor:
            return torch.from_numpy(np.ascontiguousarray(array, np.int64)).to(device, non_blocking=True)

        sorted_keys = places.keys[places.by_key]
        numbers, document = np.unique(documents_of(sorted_keys), return_inverse=True)
        self.seed = places.seed
        self.least_key = places.least_key
        self.by_hash = moved(places.by_hash)
        self.hash_keys = moved(places.keys[places.by_hash])
        self.hash_order = signed_hashes(places.seed, self.hash_keys)
        self.by_key = moved(places.by_key)
        self.sorted_keys = moved(sorted_keys)
        self.document = moved(document)
        self.documents = len(numbers)
