"""What a neuron scores in every category: one figure as a bar chart, or all of them as a table of numbers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from rich.text import Text
from textual import events
from textual.message import Message

from mechamap.run import Run
from mechamap_tui.bar_chart import signed_bars
from mechamap_tui.number_text import correlation, magnitude, probability
from mechamap_tui.terminal_text import pad
from mechamap_tui.widgets.line_view import LineView

__all__ = ["CHARTS", "CategoryChart", "charts_of"]

# the run's figure, what a bar that reaches the edge is worth (None: the largest), how a value is written, its meaning
_FIGURES: dict[str, tuple[str, float | None, Callable[[float], str], str]] = {
    "reads": ("selectivity", 1.0, correlation, "up (+) or down (-) on its words"),
    "mean": ("mean", None, magnitude, "average on its words"),
    "d": ("d", None, magnitude, "distance, standard deviations"),
}
_TABLE_COLUMNS = (
    ("mean", "mean", magnitude),
    ("auroc", "auroc", probability),
    ("reads", "selectivity", correlation),
    ("d", "d", magnitude),
)
CHARTS = (*_FIGURES, "table")
NUMBER = 8


def charts_of(run: Run) -> tuple[str, ...]:
    """The charts that a run has the figures for."""
    return tuple(name for name in CHARTS if name == "table" or run.has(_FIGURES[name][0]))


class CategoryChart(LineView):
    """The chosen neuron's figures for all categories; the current category's line is marked."""

    @dataclass
    class CategoryClicked(Message):
        """A category's line was clicked."""

        category: str

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._run: Run | None = None
        self._row: int | None = None
        self._category = ""
        self._chart = CHARTS[0]
        self._lines: list[Callable[[], Text]] = []
        self._clickable: dict[int, str] = {}

    def show(self, run: Run, row: int | None, category: str, chart: str) -> None:
        same = chart == self._chart and run is self._run
        self._run, self._row, self._category, self._chart = run, row, category, chart
        self.renew(keep_scroll=same)

    def on_click(self, event: events.Click) -> None:
        index = self.line_at(event)
        if index is not None and index in self._clickable:
            self.post_message(self.CategoryClicked(self._clickable[index]))

    def measure(self, width: int) -> int:
        self._lines, self._clickable = [], {}
        if self._run is not None and self._row is not None and self._run.categories:
            if self._chart == "table":
                self._make_table(self._run, self._row)
            else:
                self._make_bars(self._run, self._row, width)
        return len(self._lines)

    def line(self, index: int, width: int) -> Text:
        return self._lines[index]()

    def _make_bars(self, run: Run, row: int, width: int) -> None:
        figure, limit, written, meaning = _FIGURES[self._chart]
        values = [float(value) for value in run.figure(figure)[row]]
        largest = max((abs(value) for value in values if np.isfinite(value)), default=0.0)
        bars = signed_bars(run.categories, values, limit or largest or 1.0, width - NUMBER)
        for at, name in enumerate(run.categories):
            bar = bars[at] if bars else Text(pad(name, max(width - NUMBER, 0)))
            self._clickable[len(self._lines)] = name
            self._lines.append(partial(self._numbered, bar, values[at], written(values[at]), name))
        if bars:
            self._lines.append(partial(self._plain, bars[-1], "dim"))
        self._lines.append(partial(self._plain, Text(pad(meaning, width)), "dim"))

    def _numbered(self, bar: Text, value: float, written: str, name: str) -> Text:
        text = bar.copy().append(written.rjust(NUMBER), self.look("falling" if value < 0 else "strong"))
        if name == self._category:
            text.stylize(self.look("cursor"), 0, len(text.plain) - len(text.plain.lstrip(" ")) + len(name))
        return text

    def _plain(self, text: Text, look: str) -> Text:
        return Text(text.plain, self.look(look))

    def _make_table(self, run: Run, row: int) -> None:
        columns = [(title, figure, written) for title, figure, written in _TABLE_COLUMNS if run.has(figure)]
        names = max(min(max(map(len, run.categories)), 14), 4)
        header = " " * names + "".join(title.rjust(NUMBER) for title, _, _ in columns)
        self._lines.append(partial(self._plain, Text(header), "title"))
        for at, name in enumerate(run.categories):
            numbers = "".join(
                written(float(run.figure(figure)[row, at])).rjust(NUMBER) for _, figure, written in columns
            )
            self._clickable[len(self._lines)] = name
            self._lines.append(partial(self._table_line, pad(name, names), numbers, name))

    def _table_line(self, label: str, numbers: str, name: str) -> Text:
        text = Text().append(label, self.look("strong")).append(numbers)
        if name == self._category:
            text.stylize(self.look("cursor"), 0, len(label))
        return text
