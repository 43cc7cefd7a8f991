"""What a neuron scores in every category: one figure as a bar chart, or all of them as a table of numbers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import accumulate
from textwrap import wrap

import numpy as np
from rich.text import Text
from textual import events
from textual.message import Message

from mechamap.figures.findings import finding
from mechamap.figures.of_run import is_in, why_undefined
from mechamap.figures.values import known_value
from mechamap.runs.run import Run
from mechamap_tui.data.check_signs import BADGE_SIGNS
from mechamap_tui.data.figures import detail_figures, detail_width, figure_with_error
from mechamap_tui.terminal.terminal_text import clean, fit, pad
from mechamap_tui.widgets.bars import signed_bars
from mechamap_tui.widgets.line_view import LineView

__all__ = ["CHARTS", "CategoryChart", "charts_of"]


# what a bar that reaches the edge is worth (None: the largest), and what the figure means
_CHARTS: dict[str, tuple[float | None, str]] = {
    "reads": (1.0, "up (+) or down (-) on its words"),
    "writes": (None, "pushes its words up (+) or down (-) in the output, standard deviations"),
    "causes": (None, "its words' log p without the neuron; ~ estimated"),
    "mean": (None, "average on its words"),
    "d": (None, "distance, standard deviations"),
}
CHARTS = (*_CHARTS, "table")
NUMBER = 8


def charts_of(run: Run) -> tuple[str, ...]:
    """The charts that a run has the figures for, and those whose figure is undefined for its model."""
    figures = {figure.label: figure for figure in detail_figures()}
    names = [name for name in _CHARTS if is_in(run, figures[name]) or why_undefined(run, figures[name])]
    return (*names, "table")


class CategoryChart(LineView):
    """The chosen neuron's figures for all categories; the current category's line is marked."""

    @dataclass
    class CategoryClicked(Message):
        """A category's line was clicked."""

        category: str

    def __init__(self) -> None:
        super().__init__()
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
                self._make_table(self._run, self._row, width)
            else:
                self._make_bars(self._run, self._row, width)
        return len(self._lines)

    def line(self, index: int, width: int) -> Text:
        return self._lines[index]()

    def _make_bars(self, run: Run, row: int, width: int) -> None:
        figure = next(figure for figure in detail_figures() if figure.label == self._chart)
        limit, meaning = _CHARTS[self._chart]
        if reason := why_undefined(run, figure):
            lines = [f"{figure.label}: not defined for this model.", *wrap(clean(reason), width)]
            self._lines = [partial(self._plain, Text(line), "dim") for line in lines]
            return
        values = [known_value(run, figure, row, name)[0] for name in run.categories]
        cells = [figure_with_error(run, figure, row, name) for name in run.categories]
        largest = max((abs(value) for value in values if np.isfinite(value)), default=0.0)
        number = max(NUMBER, *(len(cell) + 1 for cell in cells))
        labels = self._labels(run, row, max((width - number) * 9 // 20, 4))
        bars = signed_bars(labels, values, limit or largest or 1.0, width - number)
        for index, (name, label, value) in enumerate(zip(run.categories, labels, values, strict=True)):
            bar = bars[index] if bars else Text(pad(label, max(width - number, 0)))
            self._clickable[len(self._lines)] = name
            cell = cells[index].rjust(number)
            self._lines.append(partial(self._numbered, bar, value, cell, name, label))
        if bars:
            self._lines.append(partial(self._plain, bars[-1], "dim"))
        for line in wrap(meaning, width):
            self._lines.append(partial(self._plain, Text(line), "dim"))

    def _labels(self, run: Run, row: int, room: int) -> list[str]:
        """The categories' names, with a sign where the reading was checked."""
        signs = [BADGE_SIGNS.get(finding(run, row, name).badge, "") for name in run.categories]
        return [fit(name, room - len(sign)) + sign for name, sign in zip(run.categories, signs, strict=True)]

    def _numbered(self, bar: Text, value: float, written: str, name: str, label: str) -> Text:
        text = bar.copy().append(written, self.look("falling" if value < 0 else "strong"))
        if name == self._category:
            text.stylize(self.look("cursor"), 0, len(text.plain) - len(text.plain.lstrip(" ")) + len(label))
        return text

    def _plain(self, text: Text, look: str) -> Text:
        return Text(text.plain, self.look(look))

    def _make_table(self, run: Run, row: int, width: int) -> None:
        """All figures; those that do not fit beside the names follow in a second table below."""
        names = max(min(max(map(len, run.categories)), 14), 4) + run.has("p")
        labels = self._labels(run, row, names)
        figures = [figure for figure in detail_figures() if is_in(run, figure)]
        cells_of = {figure.name: detail_width(run, figure) for figure in figures}
        while figures:
            fitting = max(_fitting([cells_of[figure.name] for figure in figures], width - names), 1)
            columns, figures = figures[:fitting], figures[fitting:]
            if self._lines:
                self._lines.append(partial(self._plain, Text(), "dim"))
            header = " " * names + "".join(figure.label.rjust(cells_of[figure.name]) for figure in columns)
            self._lines.append(partial(self._plain, Text(header), "title"))
            for name, label in zip(run.categories, labels, strict=True):
                cells = (figure_with_error(run, each, row, name).rjust(cells_of[each.name]) for each in columns)
                self._clickable[len(self._lines)] = name
                self._lines.append(partial(self._table_line, pad(label, names), "".join(cells), name))

    def _table_line(self, label: str, numbers: str, name: str) -> Text:
        text = Text().append(label, self.look("strong")).append(numbers)
        if name == self._category:
            text.stylize(self.look("cursor"), 0, len(label))
        return text


def _fitting(widths: list[int], room: int) -> int:
    """How many of the first columns fit side by side."""
    return sum(edge <= room for edge in accumulate(widths))
