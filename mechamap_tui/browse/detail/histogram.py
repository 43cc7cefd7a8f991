"""How a neuron's activations are distributed over the text, and where the words of the category fall."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from rich.text import Text

from mechamap.runs.run import Run
from mechamap.tables.numbers import magnitude
from mechamap_tui.browse.detail.activations import NOT_SCORED, Activations, ActivationView
from mechamap_tui.data.occurrences import OccurrenceMap
from mechamap_tui.terminal.terminal_text import fit
from mechamap_tui.widgets.glyphs import FULL_BLOCK, LIGHT_BLOCK

__all__ = ["HistogramView"]


BINS = 16
VALUE, COUNT = 8, 7


class HistogramView(ActivationView):
    """A line per range of values: the category's words in full blocks, everything else in light ones."""

    def __init__(self, run: Run, occurrences: OccurrenceMap, *, id: str | None = None) -> None:
        super().__init__(run, occurrences, id=id)
        self._message = self._note = ""
        self._edges: NDArray[np.float64] = np.zeros(0)
        self._of_category: NDArray[np.int64] = np.zeros(0, dtype=np.int64)
        self._rest: NDArray[np.int64] = np.zeros(0, dtype=np.int64)

    def take(self, activations: Activations) -> None:
        """Count the values in ranges; positions without one are left out."""
        self._message, self._note = activations.message, activations.note
        self._edges, values = np.zeros(0), activations.values
        if values is not None:
            of_category = np.zeros(len(values), dtype=bool)
            of_category[self.occurrences.last_positions(self.category)] = True
            scored = self.scored(values) & np.isfinite(values)
            if scored.any():
                self._edges = np.histogram_bin_edges(values[scored], BINS)
                self._of_category = np.histogram(values[scored & of_category], self._edges)[0]
                self._rest = np.histogram(values[scored & ~of_category], self._edges)[0]
        self.renew()

    def measure(self, width: int) -> int:
        return max(len(self._edges), 1) + bool(self._note)

    def line(self, index: int, width: int) -> Text:
        if not len(self._edges):
            return Text(fit(self._message or NOT_SCORED, width), self.look("dim"))
        bins = len(self._edges) - 1
        if index > bins:
            return Text(fit(f"left out: {self._note}", width), self.look("dim"))
        if index == 0:
            own, rest = int(self._of_category.sum()), int(self._rest.sum())
            words = f"{FULL_BLOCK} {own:,} words of {self.category}"
            legend = f"from value  {words}  {LIGHT_BLOCK} {rest:,} other positions"
            return Text(fit(legend, width), self.look("title"))
        place = bins - index  # the highest values on top
        own, rest = int(self._of_category[place]), int(self._rest[place])
        room = max(width - VALUE - COUNT - COUNT - 2, 1)
        highest = int((self._of_category + self._rest).max(initial=1))
        own_cells, rest_cells = -(-own * room // highest), -(-rest * room // highest)
        own_cells = min(own_cells, room)
        text = Text().append(magnitude(float(self._edges[place])).rjust(VALUE) + " ", self.look("strong"))
        text.append((f"{own:,}" if own else "").rjust(COUNT - 1), self.look("rising"))
        text.append((f"{rest:,}" if rest else "").rjust(COUNT - 1) + " ", self.look("dim"))
        text.append(FULL_BLOCK * own_cells, self.look("rising"))
        return text.append(LIGHT_BLOCK * min(rest_cells, room - own_cells), self.look("dim"))
