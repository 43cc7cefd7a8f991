"""The rows of a batch in tiles, in the order in which the CPU draws from them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["TILE", "TileOrder"]


TILE = 192  # rows: a byte can count them, and with 32 neurons they fill a first cache; fewer cost more calls


@dataclass(frozen=True, slots=True, eq=False)
class TileOrder:
    """Tiles of 192 rows, the last one shorter, each in rising order of hash.

    Attributes:
        order: ``[positions]`` uint8, rows of the tile in that order, tile after tile.
        prefixes: ``[positions]`` uint32, the upper halves of their hashes, in that order.
        least_keys: ``[tiles]`` int64, the smallest key of each tile.
    """

    order: NDArray[np.uint8]
    prefixes: NDArray[np.uint32]
    least_keys: NDArray[np.int64]

    @classmethod
    def of(cls, keys: NDArray[np.int64], hashes: NDArray[np.uint64], by_hash: NDArray[np.intp]) -> TileOrder:
        """The order of rows with these keys and hashes, of which ``by_hash`` is the order of all."""
        rows = by_hash[np.argsort(by_hash // TILE, kind="stable")]  # [positions]
        return cls(
            (rows % TILE).astype(np.uint8),
            (hashes[rows] >> np.uint64(32)).astype(np.uint32),
            np.minimum.reduceat(keys, np.arange(0, len(keys), TILE)) if len(keys) else keys,
        )
