"""Pane 4: what the chosen neuron scores in every category."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.content import Content

from mechamap.figures.second_text import reliability
from mechamap.runs.run import Run
from mechamap_tui.browse.charts import CategoryChart, charts_of
from mechamap_tui.widgets.pane_title import first_fitting, pane_title

__all__ = ["CategoryPane"]


class CategoryPane(Container):
    """A chart of one figure, or a table of all, chosen by tabs."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("right,l", "next_tab(1)", "next figure"),
        Binding("left,h", "next_tab(-1)", "previous figure", show=False),
    ]

    DEFAULT_CSS = """
    CategoryPane > CategoryChart { height: 1fr; }
    """

    def __init__(self, run: Run, category: str) -> None:
        super().__init__(id="categories", classes="pane")
        self.run, self.category = run, category
        self.row: int | None = None
        self.tabs = charts_of(run)
        self.tab = self.tabs[0]
        self._reliabilities: dict[tuple[int, str], str] = {}

    def compose(self) -> ComposeResult:
        yield CategoryChart()

    def on_mount(self) -> None:
        self.show(None, self.category)

    def show(self, row: int | None, category: str) -> None:
        """Show a neuron; the ``category`` is marked among them all."""
        self.row, self.category = row, category
        self.tabs = charts_of(self.run)  # a check adds figures to a run
        self._entitle()
        self.border_subtitle = self._reliability()
        self.query_one(CategoryChart).show(self.run, row, self.category, self.tab)

    def on_resize(self) -> None:
        self._entitle()

    def _entitle(self) -> None:
        initials = {tab: tab[0] for tab in self.tabs if tab != self.tab}
        self.border_title = first_fitting(
            self.outer_size.width,
            self._title("4 Categories"),
            self._title("4", compact=True),
            self._title("4", compact=True, short=initials),
        )

    def _title(self, name: str, *, compact: bool = False, short: Mapping[str, str] | None = None) -> Content:
        return pane_title(name, tabs=self.tabs, current=self.tab, compact=compact, short=short)

    def _reliability(self) -> str:
        """How many of the first neurons of the category's list hold in a second text; worked out once for a list."""
        key = id(self.run.record), self.category
        if key not in self._reliabilities:
            counts = reliability(self.run, self.category) if self.category else None
            self._reliabilities = {key: "" if counts is None else f"{counts.held} of first {counts.listed} hold"}
        return self._reliabilities[key]

    def action_tab(self, tab: str) -> None:
        self.tab = tab
        self.show(self.row, self.category)

    def action_next_tab(self, steps: int) -> None:
        self.action_tab(self.tabs[(self.tabs.index(self.tab) + steps) % len(self.tabs)])
