"""Which sets of categories the same neurons count for, and how often."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Combinations", "combinations_of"]


_WORD = 64  # bits


@dataclass(frozen=True, slots=True)
class Combinations:
    """Different sets of categories, the most frequent first; there can be as many as neurons.

    Attributes:
        sets: which categories are in each, bool ``[sets, categories]``.
        times: how many neurons count for exactly these, ``[sets]``.
    """

    sets: NDArray[np.bool_]
    times: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.times)

    def first(self, most: int | None, categories: tuple[str, ...]) -> list[tuple[tuple[str, ...], int]]:
        """The first ``most`` sets, by the names of their categories, and how often each occurs."""
        sets, times = self.sets[:most].tolist(), self.times[:most].tolist()
        return [
            (tuple([name for name, inside in zip(categories, members, strict=True) if inside]), count)
            for members, count in zip(sets, times, strict=True)
        ]


def combinations_of(counts: NDArray[np.bool_]) -> Combinations:
    """The different rows of a table, bool ``[neurons, categories]``; of two as frequent, that with the first category.

    Rows are compared as whole numbers of 64 bits: pandas takes seconds where there are many categories.
    """
    neurons, categories = counts.shape
    words = max(-(-categories // _WORD), 1)
    packed = np.zeros((neurons, words * _WORD // 8), np.uint8)
    bits = np.packbits(counts, axis=1)
    packed[:, : bits.shape[1]] = bits
    numbers = packed.view(">u8").astype(np.uint64)  # [neurons, words]
    order = np.lexsort(numbers.T[::-1])[::-1]  # [neurons]
    ordered = numbers[order]
    starts = np.flatnonzero(np.r_[True, (ordered[1:] != ordered[:-1]).any(axis=1)][:neurons])  # [sets]
    times = np.diff(starts, append=neurons)
    frequent = np.argsort(-times, kind="stable")
    return Combinations(counts[order[starts[frequent]]], times[frequent])
