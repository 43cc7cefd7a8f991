"""Which of the scored positions count for which category, worked out once before the pass.

S is the number of scored positions. Everything here indexes *into the scored positions* (0 to S - 1), not into the
text, so that a layer's activations ``[S, neurons]`` can be used as they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mechamap.text.occurrences import Occurrence
from mechamap.text.tokenize import TokenizedText

__all__ = ["CategoryPositions", "ScorePlan", "score_plan"]


Pooling = Literal["last", "mean", "max"]


@dataclass(frozen=True, slots=True)
class CategoryPositions:
    """The positions of one category's occurrences P, and of their spans.

    ``last`` holds the last position of each occurrence, ``spans`` all its scored positions, ``extra`` those positions
    inside any span that are the last of no occurrence. R, the rest, is every scored position outside all spans.
    """

    last: NDArray[np.intp]  # [occurrences]
    spans: tuple[NDArray[np.intp], ...]  # occurrences x [span length]
    extra: NDArray[np.intp]  # [positions in spans that are not last]
    scored: int

    @property
    def occurrences(self) -> int:
        return len(self.last)

    @property
    def rest(self) -> int:
        """Size of R."""
        return self.scored - len(self.last) - len(self.extra)

    @property
    def inside(self) -> NDArray[np.intp]:
        """All scored positions inside a span."""
        return np.concatenate([self.last, self.extra])

    def moved(self, place: NDArray[np.intp], scored: int) -> CategoryPositions:
        """The same where scored position ``i`` is number ``place[i]`` of ``scored``, or -1 where it is dropped."""
        staying = place[self.last] >= 0
        spans = (place[span] for span, stays in zip(self.spans, staying, strict=True) if stays)
        inside = place[self.inside]
        last = place[self.last[staying]]
        extra = np.setdiff1d(inside[inside >= 0], last)
        return CategoryPositions(last, tuple(span[span >= 0] for span in spans), extra, scored)


@dataclass(frozen=True, slots=True)
class ScorePlan:
    """What to compute from a layer's activations at the scored positions."""

    positions: NDArray[np.int32]  # [S] the scored positions, in the text's numbering
    categories: tuple[CategoryPositions, ...]
    pooling: Pooling
    top_k: int

    @property
    def scored(self) -> int:
        return len(self.positions)

    def restricted(self, rows: NDArray[np.intp]) -> ScorePlan:
        """The same for some of the scored positions: those that are routed to an expert.

        An occurrence counts where its last token is among them; spans lose the tokens that are not.

        Args:
            rows: ``[n]`` into the scored positions, rising.
        """
        place = np.full(self.scored, -1, np.intp)
        place[rows] = np.arange(len(rows))
        return ScorePlan(
            self.positions[rows],
            tuple(category.moved(place, len(rows)) for category in self.categories),
            self.pooling,
            self.top_k,
        )


def score_plan(
    tokenized: TokenizedText, occurrences: Sequence[Occurrence], categories: int, pooling: Pooling, top_k: int
) -> ScorePlan:
    """Sort the occurrences by category and express them in scored positions.

    ``top_k`` may exceed the number of scored positions: rows are then padded with NaN and -1.
    """
    positions = np.flatnonzero(tokenized.scored)  # [S]
    scored_index = np.cumsum(tokenized.scored) - 1  # [positions] -> index among the scored, where scored
    by_category = []
    for category in range(categories):
        mine = [occurrence for occurrence in occurrences if occurrence.category == category]
        last = np.array([scored_index[occurrence.last] for occurrence in mine], dtype=np.intp)
        spans = []
        for occurrence in mine:
            span = np.arange(occurrence.first, occurrence.last + 1)
            spans.append(scored_index[span[tokenized.scored[span]]].astype(np.intp))
        inside = np.unique(np.concatenate(spans)) if spans else np.zeros(0, np.intp)
        by_category.append(CategoryPositions(last, tuple(spans), np.setdiff1d(inside, last), len(positions)))
    return ScorePlan(positions.astype(np.int32), tuple(by_category), pooling, top_k)
