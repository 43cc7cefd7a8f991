"""How a neuron's activations are distributed over the text, and where the words of the category fall."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from rich.text import Text

from mechamap.runs.run import Run
from mechamap.tables.numbers import magnitude
from mechamap_tui.data.occurrences import OccurrenceMap
from mechamap_tui.terminal.terminal_text import fit
from mechamap_tui.widgets.glyphs import FULL_BLOCK, LIGHT_BLOCK
from mechamap_tui.widgets.line_view import LineView

__all__ = ["HistogramView"]


BINS = 16
VALUE, COUNT = 8, 7


class HistogramView(LineView):
    """A line per range of values: the category's words in full blocks, everything else in light ones."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._message = self._note = ""
        self._category = ""
        self._edges: NDArray[np.float64] = np.zeros(0)
        self._of_category: NDArray[np.int64] = np.zeros(0, dtype=np.int64)
        self._rest: NDArray[np.int64] = np.zeros(0, dtype=np.int64)

    def show(
        self,
        run: Run,
        category: str,
        occurrences: OccurrenceMap,
        values: NDArray[np.float32] | None,
        *,
        message: str = "",
        note: str = "",
    ) -> None:
        """Show the distribution of ``values``, one per position of the run's text; a ``message`` without them.

        Positions without one are NaN and left out; ``note`` says which they are.
        """
        self._message, self._note, self._category = message, note, category
        self._edges = np.zeros(0)
        if values is not None:
            of_category = np.zeros(len(values), dtype=bool)
            of_category[occurrences.last_positions(category)] = True
            scored = np.ones(len(values), dtype=bool)
            scored[list(run.excluded)] = False
            scored &= np.isfinite(values)
            if scored.any():
                self._edges = np.histogram_bin_edges(values[scored], BINS)
                self._of_category = np.histogram(values[scored & of_category], self._edges)[0]
                self._rest = np.histogram(values[scored & ~of_category], self._edges)[0]
        self.renew()

    def measure(self, width: int) -> int:
        return max(len(self._edges), 1) + bool(self._note)

    def line(self, index: int, width: int) -> Text:
        if not len(self._edges):
            return Text(fit(self._message or "No position of this text is scored.", width), self.look("dim"))
        bins = len(self._edges) - 1
        if index > bins:
            return Text(fit(f"left out: {self._note}", width), self.look("dim"))
        if index == 0:
            own, rest = int(self._of_category.sum()), int(self._rest.sum())
            words = f"{FULL_BLOCK} {own:,} words of {self._category}"
            legend = f"from value  {words}  {LIGHT_BLOCK} {rest:,} other positions"
            return Text(fit(legend, width), self.look("title"))
        at = bins - index  # the highest values on top
        own, rest = int(self._of_category[at]), int(self._rest[at])
        room = max(width - VALUE - COUNT - COUNT - 2, 1)
        highest = int((self._of_category + self._rest).max(initial=1))
        own_cells, rest_cells = -(-own * room // highest), -(-rest * room // highest)
        own_cells = min(own_cells, room)
        text = Text().append(magnitude(float(self._edges[at])).rjust(VALUE) + " ", self.look("strong"))
        text.append((f"{own:,}" if own else "").rjust(COUNT - 1), self.look("rising"))
        text.append((f"{rest:,}" if rest else "").rjust(COUNT - 1) + " ", self.look("dim"))
        text.append(FULL_BLOCK * own_cells, self.look("rising"))
        return text.append(LIGHT_BLOCK * min(rest_cells, room - own_cells), self.look("dim"))
