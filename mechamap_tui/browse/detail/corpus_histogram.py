"""How a neuron's activations are distributed over a corpus, as the scan counted them."""

from __future__ import annotations

import math

import numpy as np
from rich.text import Text

from mechamap.figures.histogram_bins import EDGES
from mechamap.runs.run import Run
from mechamap.tables.numbers import count
from mechamap_tui.browse.detail.contexts import NO_CONTEXTS, small_share
from mechamap_tui.terminal.terminal_text import fit
from mechamap_tui.widgets.glyphs import LIGHT_BLOCK
from mechamap_tui.widgets.line_view import LineView

__all__ = ["CorpusHistogramView"]


EDGE, COUNT, SHARE = 9, 9, 8


class CorpusHistogramView(LineView):
    """A line for each bin that has something and for those between, the highest on top.

    Bins grow by half an octave, and counts by orders of magnitude, so the bars are as long as the logarithm of a count.
    """

    def __init__(self, run: Run, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._run = run
        self._row: int | None = None
        self._counts: list[tuple[int, int]] = []  # bin, count

    def show(self, row: int | None, category: str) -> None:
        """Show a neuron, whatever the category."""
        same = row == self._row
        self._row, self._counts = row, []
        if row is not None and self._run.has("histogram"):
            counts = np.asarray(self._run.figure("histogram")[row])  # [bins]
            some = np.flatnonzero((counts > 0) & np.isfinite(counts))
            if len(some):
                places = range(int(some[-1]), int(some[0]) - 1, -1)
                self._counts = [(place, int(counts[place]) if place in some else 0) for place in places]
        self.renew(keep_scroll=same)

    def measure(self, width: int) -> int:
        return 1 + len(self._counts) if self._row is not None else 0

    def line(self, index: int, width: int) -> Text:
        if index == 0:
            if not self._run.has("histogram"):
                return Text(fit(NO_CONTEXTS, width), self.look("dim"))
            total = sum(number for _, number in self._counts)
            legend = f"   values from   activations ({total:,} in all; bars: logarithm of the count)"
            return Text(fit(legend, width), self.look("title"))
        place, number = self._counts[index - 1]
        total, largest = sum(each for _, each in self._counts), max(each for _, each in self._counts)
        text = Text(_edge(place).rjust(EDGE) + " ", self.look("strong"))
        text.append((count(number) if number else "").rjust(COUNT))
        text.append((small_share(number / total) if number else "").rjust(SHARE) + " ", self.look("dim"))
        room = max(width - text.cell_len, 1)
        length = math.log1p(number) / math.log1p(largest) * room
        return text.append(LIGHT_BLOCK * math.ceil(length - 1e-9), self.look("rising" if place > 31 else "falling"))


def _edge(place: int) -> str:
    """The lower end of a bin, as it is read: the lowest one has no end."""
    lower = EDGES[place]
    return f"{lower:.4g}" if math.isfinite(lower) else "lower"
