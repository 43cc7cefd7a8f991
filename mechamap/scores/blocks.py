"""Rows worked on in blocks that fit the cache, on several threads."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

__all__ = ["BLOCK_ELEMENTS", "in_blocks"]


# Activations a block; smaller ones spend their time between calls, larger ones miss the caches.
BLOCK_ELEMENTS = 256 * 1024


def in_blocks(rows: int, width: int, work: Callable[[slice], None], threads: int) -> None:
    """Call ``work`` with slices of ``rows``, each about as many values of ``width`` as a core's cache holds."""
    block = max(8, BLOCK_ELEMENTS // max(width, 1))
    slices = [slice(first, min(first + block, rows)) for first in range(0, rows, block)]
    if threads > 1 and len(slices) > 1:
        with ThreadPoolExecutor(threads) as pool:
            for _ in pool.map(work, slices):
                pass  # drawing the results raises what a block raised
    else:
        for block_rows in slices:
            work(block_rows)
