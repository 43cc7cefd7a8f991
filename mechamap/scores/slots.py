"""The few positions that lie in some category's span, numbered across categories and blocks of neurons."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from mechamap.scores.positions import ScorePlan

__all__ = ["BlockEnds", "Slots"]


@dataclass(frozen=True, slots=True)
class Slots:
    """The few positions that lie in some span, numbered, so that all categories are worked out together.

    ``spans`` lists each category's slots, those of the occurrences' ends first, padded with the number of slots.
    """

    positions: NDArray[np.intp]  # [slots] into the scored positions
    slot_of: NDArray[np.int32]  # [S], -1 outside all spans
    is_slot: NDArray[np.bool_]  # [S]
    ends: NDArray[np.float64]  # [slots, categories] 1 where an occurrence ends
    inside: NDArray[np.float64]  # [slots, categories] 1 inside a span
    occurrences: NDArray[np.intp]  # [categories] |P|
    rest: NDArray[np.intp]  # [categories] |R|
    spans: NDArray[np.intp]  # [categories, longest]
    made: dict[int, BlockEnds] = field(default_factory=dict)

    def block_ends(self, blocks: int) -> BlockEnds:
        """The ends in a block of ``blocks`` neurons; the same for every block of that size."""
        if blocks not in self.made:
            self.made[blocks] = BlockEnds.of(self, blocks)
        return self.made[blocks]

    @classmethod
    def of(cls, plan: ScorePlan) -> Slots:
        insides = [category.inside for category in plan.categories]
        positions = np.unique(np.concatenate([np.zeros(0, np.intp), *insides]))
        slot_of = np.full(plan.scored, -1, np.int32)
        slot_of[positions] = np.arange(len(positions))
        ends = np.zeros((len(positions), len(insides)))
        inside = np.zeros_like(ends)
        spans = np.full((len(insides), max(map(len, insides), default=0)), len(positions), np.intp)
        for c, category in enumerate(plan.categories):
            ends[slot_of[category.last], c] = 1
            inside[slot_of[insides[c]], c] = 1
            spans[c, : len(insides[c])] = slot_of[insides[c]]
        return cls(
            positions,
            slot_of,
            slot_of >= 0,
            ends,
            inside,
            np.array([category.occurrences for category in plan.categories], np.intp),
            np.array([category.rest for category in plan.categories], np.intp),
            spans,
        )


@dataclass(frozen=True, slots=True)
class BlockEnds:
    """The ends of all occurrences of a block's neurons, row by row of ``[block * categories]``."""

    of_p: NDArray[np.intp]  # [block * categories] |P|
    row: NDArray[np.intp]  # [ends] which row
    number: NDArray[np.intp]  # [ends] which of its row, from 0
    of_p_each: NDArray[np.intp]  # [ends] |P| of its row
    inside_each: NDArray[np.intp]  # [ends] positions in spans of its category
    category_start: NDArray[np.intp]  # [ends] where its category begins in the flattened spans
    block_start: NDArray[np.intp]  # [ends] where its neuron begins in a flattened [block, slots]

    @classmethod
    def of(cls, slots: Slots, blocks: int) -> BlockEnds:
        categories, longest = slots.spans.shape
        of_p = np.tile(slots.occurrences, blocks)
        row = np.repeat(np.arange(len(of_p)), of_p)
        starts = np.cumsum(of_p) - of_p
        inside = slots.inside.sum(axis=0).astype(np.intp)  # [categories]
        neuron, category = np.divmod(row, max(categories, 1))
        return cls(
            of_p,
            row,
            np.arange(len(row)) - starts[row],
            of_p[row],
            inside[category],
            category * longest,
            neuron * len(slots.positions),
        )
