"""How far up each word of a category stands among everything else, in each neuron: the AUROC taken apart by words.

The placement of an occurrence is the share of the rest that lies below it, half of what equals it (DeLong et al.,
1988); the mean over a category's occurrences is the run's AUROC. The rest are the scored positions outside every span
of the category's words, and of an expert's neurons only what was routed to it, as in :mod:`mechamap.scores`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mechamap.compare.words.scratch_array import empty_rows
from mechamap.scores.blocks import in_blocks
from mechamap.scores.positions import CategoryPositions, Pooling, ScorePlan, score_plan
from mechamap.text.occurrences import Occurrence
from mechamap.text.tokenize import TokenizedText

__all__ = ["PlacedWords", "Placing"]


@dataclass(frozen=True)
class PlacedWords:
    """For every neuron and every word found of a category, the sum of its occurrences' placements.

    Words are numbered through, those of the first category first. ``sums`` is NaN for neurons without scores.
    """

    categories: tuple[str, ...]
    category: NDArray[np.intp]  # [words] which category each is of
    words: tuple[str, ...]  # [words] as the category lists them
    sums: NDArray[np.float32]  # [neurons, words], in memory or in a temporary file
    counts: NDArray[np.float32]  # [neurons, words], or [1, words] where all neurons saw the same

    def of_category(self, number: int) -> NDArray[np.intp]:
        """The columns of a category's words."""
        return np.flatnonzero(self.category == number)

    def auroc(self) -> NDArray[np.float32]:
        """``[neurons, categories]``, as the run has it; NaN where a neuron saw no occurrence."""
        aurocs = np.full((len(self.sums), len(self.categories)), np.nan, np.float32)
        for number in range(len(self.categories)):
            mine = self.of_category(number)
            seen = self.counts[:, mine].sum(axis=1)  # [neurons or 1]
            with np.errstate(invalid="ignore", divide="ignore"):
                aurocs[:, number] = self.sums[:, mine].sum(axis=1, dtype=np.float64) / seen
        return aurocs


class Placing:
    """Fills in a model's placements layer by layer.

    Args:
        tokenized: the text; its scored positions are what activations are given at.
        occurrences: of the categories' words in it.
        categories: each one's name and its words.
        pooling: what an occurrence of several tokens is worth: its last token, or the mean or largest of them.
        neurons: rows of the model.
        routed: whether it has experts, whose neurons see only the tokens routed to them.
    """

    def __init__(
        self,
        tokenized: TokenizedText,
        occurrences: Sequence[Occurrence],
        categories: Mapping[str, Sequence[str]],
        *,
        pooling: Pooling,
        neurons: int,
        routed: bool,
    ) -> None:
        self.plan = score_plan(tokenized, occurrences, len(categories), pooling, 1)
        keys = sorted({(each.category, each.word) for each in occurrences})
        column = {key: index for index, key in enumerate(keys)}
        # of each category's occurrences in the plan's order, the column of its word
        self._columns = [
            np.array([column[each.category, each.word] for each in occurrences if each.category == number], np.intp)
            for number in range(len(categories))
        ]
        self._routed, self._categories = routed, tuple(categories)
        self._category = np.array([number for number, _ in keys], np.intp)
        names = tuple(categories.values())
        self._words = tuple(names[number][word] for number, word in keys)
        self._sums = empty_rows(neurons, len(keys), "words of categories")
        self._added = np.zeros(neurons, np.bool_)
        self._counts = empty_rows(neurons if routed else 1, len(keys), "words of categories")
        if not routed:
            for columns in self._columns:
                np.add.at(self._counts[0], columns, 1)

    def add(self, rows: slice, values: NDArray[np.float32], came: NDArray[np.intp] | None = None) -> None:
        """Some neurons of a layer.

        Args:
            rows: which.
            values: ``[neurons, n]``, at the scored positions.
            came: ``[n]``, which of the scored positions those are, rising; all where not given.
        """
        plan, columns = self.plan, self._columns
        if came is not None:
            routed_here = np.zeros(plan.scored, np.bool_)
            routed_here[came] = True
            columns = [
                of_category[routed_here[category.last]]
                for of_category, category in zip(columns, plan.categories, strict=True)
            ]
            plan = plan.restricted(came)
        if self._routed:
            for of_category in columns:
                for column in of_category.tolist():
                    self._counts[rows, column] += 1
        sums = self._sums[rows]  # a view
        finite = np.isfinite(values).all(axis=1)  # [neurons]
        sums[finite] = 0.0

        def work(block: slice) -> None:
            _place(np.ascontiguousarray(values[block]), plan, columns, sums[block])

        if plan.scored:
            with np.errstate(invalid="ignore"):
                in_blocks(len(values), plan.scored, work, 1)
        sums[~finite] = np.nan
        self._added[rows] = True

    def placed(self) -> PlacedWords:
        """All of them, once every layer was added; NaN for rows that were not."""
        self._sums[~self._added] = np.nan
        return PlacedWords(self._categories, self._category, self._words, self._sums, self._counts)


def _place(
    values: NDArray[np.float32], plan: ScorePlan, columns: Sequence[NDArray[np.intp]], sums: NDArray[np.float32]
) -> None:
    """Add the placements of a block's occurrences ``[block, n]`` to the sums of their words ``[block, words]``."""
    ordered = np.sort(values, axis=1)  # [block, n]
    for category, category_columns in zip(plan.categories, columns, strict=True):
        if not category.occurrences:
            continue
        ends = _pooled(values, category, plan.pooling)  # [block, occurrences]
        inside = np.sort(values[:, category.inside], axis=1)  # [block, positions in spans]
        with np.errstate(divide="ignore"):
            # Twice what lies below and half of what is equal, in everything less what is in spans.
            below = _below_and_upto(ordered, ends) - _below_and_upto(inside, ends)
            placements = below / np.float32(2 * category.rest)
        for column in np.unique(category_columns).tolist():
            sums[:, column] += placements[:, category_columns == column].sum(axis=1)


def _below_and_upto(ordered: NDArray[np.float32], values: NDArray[np.float32]) -> NDArray[np.int32]:
    """How many of a sorted row lie below each value, plus how many do not lie above it, ``[rows, values]``."""
    counts = np.empty(values.shape, np.int32)
    for row, row_values, out in zip(ordered, values, counts, strict=True):
        np.add(row.searchsorted(row_values), row.searchsorted(row_values, "right"), out=out, casting="unsafe")
    return counts


def _pooled(values: NDArray[np.float32], category: CategoryPositions, pooling: Pooling) -> NDArray[np.float32]:
    """What each occurrence is worth, ``[block, occurrences]``."""
    if pooling == "last":
        return values[:, category.last]
    spans = [values[:, span] for span in category.spans]
    return np.stack([span.mean(axis=1) if pooling == "mean" else span.max(axis=1) for span in spans], axis=1)
