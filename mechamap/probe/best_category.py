"""The category that a neuron is best at, by the run's figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mechamap.runs.run import Run

__all__ = ["Best", "BestCategories"]


_JUDGED_BY = ("ap", "selectivity", "mean")  # not strength, which is known of candidates alone


@dataclass(frozen=True, slots=True)
class Best:
    """A category, the figure's value and the selectivity there; an empty name where no category has a value."""

    category: str = ""
    score: float | None = None
    reads: float | None = None


class BestCategories:
    """Looks up best categories in a run.

    Attributes:
        figure: what they are chosen by; empty where the run has no categories.
    """

    def __init__(self, run: Run | None) -> None:
        self._run = run
        self.figure = ""
        if run is not None and run.categories:
            self.figure = next((name for name in _JUDGED_BY if run.has(name)), "")

    def of(self, rows: Sequence[int]) -> list[Best]:
        """Those of some neurons, by their rows in the run."""
        run = self._run
        if run is None or not self.figure or not len(rows):
            return [Best()] * len(rows)
        taken = list(rows)
        scores = np.asarray(run.figure(self.figure)[taken], np.float64)  # [rows, categories]
        reads = np.asarray(run.figure("selectivity")[taken], np.float64) if run.has("selectivity") else None
        sizes = np.where(np.isfinite(scores), np.abs(scores), -1.0)
        best = sizes.argmax(axis=1)
        return [
            Best(
                run.categories[category],
                float(scores[place, category]),
                None if reads is None or not np.isfinite(reads[place, category]) else float(reads[place, category]),
            )
            if sizes[place, category] >= 0
            else Best()
            for place, category in enumerate(best.tolist())
        ]
