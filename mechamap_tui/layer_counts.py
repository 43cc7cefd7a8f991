"""How many neurons of each layer are worth a look for each category."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mechamap.findings import confirmed
from mechamap.run import Run

__all__ = ["CUT", "LayerCounts"]

CUT = 0.8  # before a run is confirmed, a neuron counts when its selectivity, up or down, reaches this


class LayerCounts:
    """Counts a layer once, when it is complete: confirmed neurons where the run was confirmed, else by selectivity."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self._counts: dict[int, NDArray[np.int64]] = {}
        self._confirmed: NDArray[np.bool_] | None = None  # [neurons, categories]

    def renew(self) -> None:
        """The run has other figures now."""
        self._counts.clear()
        self._confirmed = None

    @property
    def counted(self) -> str:
        """What is counted, in a word or a formula; empty where nothing can be."""
        if self._by_confirmation:
            return "confirmed"
        return f"|reads| ≥ {CUT:.2f}".replace("0.", ".") if self.run.has("selectivity") else ""

    @property
    def counted_verb(self) -> str:
        """The same after a number: ``9 confirmed``, ``31 stand out``."""
        return "confirmed" if self._by_confirmation else "stand out"

    def of(self, layer: int) -> NDArray[np.int64] | None:
        """``[categories]``, or None while the layer is not complete or the run has nothing to count."""
        found = self._counts.get(layer)
        if found is None and self.counted:
            rows = self.run.layer_rows(layer)
            if rows.complete:
                found = self._counts[layer] = np.count_nonzero(self._counting(rows.rows), axis=0)
        return found

    def highest(self) -> int:
        """The largest count of any category in any layer."""
        return max((int(counts.max(initial=0)) for counts in self._counted()), default=0)

    def total(self, category: int) -> int:
        """Neurons of all complete layers that count for a category."""
        return sum(int(counts[category]) for counts in self._counted())

    @property
    def _by_confirmation(self) -> bool:
        return self.run.has("p")

    def _counting(self, rows: slice) -> NDArray[np.bool_]:
        """Which neurons count, ``[width, categories]``."""
        if not self._by_confirmation:
            strong: NDArray[np.bool_] = np.abs(np.asarray(self.run.figure("selectivity")[rows])) >= CUT
            return strong
        if self._confirmed is None:
            self._confirmed = np.stack([confirmed(self.run, name) for name in self.run.categories], axis=1)
        return self._confirmed[rows]

    def _counted(self) -> list[NDArray[np.int64]]:
        counted = (self.of(rows.layer) for rows in self.run.layers)
        return [counts for counts in counted if counts is not None]
