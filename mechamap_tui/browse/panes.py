"""The panes of the browse screen: which of them fit, going from one to another, and following the table."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from textual import events
from textual.containers import Horizontal, Vertical
from textual.timer import Timer

from mechamap_tui.browse.categories import CategoryPane
from mechamap_tui.browse.charts import CategoryChart
from mechamap_tui.browse.detail.pane import DetailPane
from mechamap_tui.browse.header import PANES, PaneLine
from mechamap_tui.browse.layer_line import LayerLine
from mechamap_tui.browse.layer_list import LayerList
from mechamap_tui.browse.table.table import NeuronTable
from mechamap_tui.terminal.textual_internals import alone

__all__ = ["Panes"]


WIDE, NARROW = 100, 80  # columns
REST = 0.06  # seconds the cursor rests on a neuron before the other panes follow it


class Panes(Vertical):
    """A run's panes: all of them where they fit, one at a time where not, and any alone when zoomed.

    The others show the neuron and the category of the table.

    Args:
        layer_line: what stands for the layers where their pane does not fit.
    """

    # Not a file of its own: loading one makes Textual parse all styles again, a tenth of the way to the first frame.
    DEFAULT_CSS = """
    Panes {
        height: 1fr;
        #upper { height: 3fr; }
        #lower { height: 2fr; }
        #neurons { width: 1fr; }
        #detail { width: 3fr; }
        #categories { width: 2fr; min-width: 33; }
        .pane {
            border: round $foreground 30%;
            border-title-color: $foreground 80%;
            border-subtitle-color: $foreground 80%;
            background: $background;
        }
        .pane:focus, .pane:focus-within { border: heavy $accent; border-title-color: $foreground;
                                          border-title-style: bold; }
        &.-medium { #detail { width: 1fr; } #categories { width: 33; } }
        &.-one { .pane { width: 1fr; } #upper, #lower { height: 1fr; } }
    }
    """

    def __init__(
        self, layers: LayerList, table: NeuronTable, detail: DetailPane, categories: CategoryPane, layer_line: LayerLine
    ) -> None:
        self._layers, self._table, self._detail, self._categories = layers, table, detail, categories
        self._upper, self._lower = Horizontal(layers, table, id="upper"), Horizontal(detail, categories, id="lower")
        self._pane_line, self._layer_line = PaneLine(), layer_line
        self._by_name = dict(zip(PANES, (layers, table, detail, categories), strict=True))
        self._pane = "neurons"
        self._zoomed = False
        self._resting: Timer | None = None
        super().__init__(self._pane_line, layer_line, self._upper, self._lower)

    # --- going from one to another ---------------------------------------------------------------------------

    async def go_to(self, name: str) -> None:
        """Focus a pane; going again to the detail or the categories opens its next tab."""
        again = self._pane == name and (
            self.has_focus_within or self.screen.focused is None
        )  # what failed has no focus
        self._show(name)
        match name:
            case "layers":
                self._layers.focus()
            case "neurons":
                self.to_neurons()
            case "detail":
                if again:
                    await self._detail.show_next_tab()
                self._detail.focus_tab()
            case _:
                if again:
                    self._categories.action_next_tab(1)
                self._categories.query_one(CategoryChart).focus()

    def to_neurons(self, *, unzoom: bool = False) -> None:
        """Focus the neuron table."""
        self._zoomed = self._zoomed and not unzoom
        self._show("neurons")
        self._table.focus()

    def switch_zoom(self) -> None:
        """Show the pane with the focus alone, or the others again."""
        self._zoomed = not self._zoomed
        self.fit()

    def step_back(self) -> bool:
        """Go back out of the zoom, or else to the neurons; False where there is no way back within the panes."""
        if self._zoomed:
            self.switch_zoom()
        elif self._pane != "neurons":
            self.to_neurons()
        else:
            return False
        return True

    async def keep_keys(self) -> None:
        """Take the focus back: hidden widgets, in a window too small for them, lose it."""
        if self.screen.focused is None:
            await self.go_to(self._pane)

    def _show(self, name: str) -> None:
        if name != self._pane:
            self._pane = name
            self.fit()

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        for name, pane in self._by_name.items():
            if pane in event.widget.ancestors_with_self:
                self._show(name)

    def fit(self) -> None:
        """Show what fits: all panes, or one of them."""
        width = self.app.size.width
        narrow = width < NARROW
        one = self._zoomed or narrow or (self._pane == "layers" and width < WIDE)
        medium = NARROW <= width < WIDE and not one
        self.update_classes({"-one": one, "-medium": medium}, animate=False)
        self._layers.styles.width = "1fr" if one else self._layers.fitting_width(width)
        self._pane_line.display = narrow and not self._zoomed
        self._pane_line.show(self._pane)
        self._layer_line.display = medium
        for name, pane in self._by_name.items():
            pane.display = name == self._pane if one else name != "layers" or width >= WIDE
        self._upper.display = self._layers.display or self._table.display
        self._lower.display = self._detail.display or self._categories.display

    # --- following the table ---------------------------------------------------------------------------------

    def show_new(self) -> None:
        """Show layers or figures that have arrived."""
        run = self._table.run
        complete = run.complete_layers
        mask: NDArray[np.bool_] | None = None
        if len(complete) < len(run.layers):
            mask = np.zeros(run.neurons, dtype=bool)
            for rows in complete:
                mask[rows.rows] = True
        with alone(self._table):
            self._table.show_available(mask)
        with alone(self._layers):
            self._layers.show_new()
        with alone(self._layer_line):
            self._layer_line.show(self._table.category, self._layers.layer_shown)

    def follow_soon(self) -> None:
        """Show the table's neuron and category in the other panes, once the cursor rests."""
        if self._resting is not None:
            self._resting.stop()
        self._resting = self.set_timer(REST, self.follow)

    def follow(self) -> None:
        """Show the table's neuron and category in the other panes."""
        self._resting = None
        row, category = self._table.cursor_row, self._table.category
        if self._layers.category != category:
            with alone(self._layers):
                self._layers.show_category(category)
            with alone(self._layer_line):
                self._layer_line.show(category, self._layers.layer_shown)
        with alone(self._detail):
            self._detail.show(row, category)
        with alone(self._categories):
            self._categories.show(row, category)

    def on_neuron_table_neuron_highlighted(self) -> None:
        self.follow_soon()

    async def on_neuron_table_neuron_opened(self) -> None:
        self.follow()
        await self.go_to("detail")

    def on_layer_list_layer_chosen(self) -> None:
        self.to_neurons(unzoom=True)

    def on_notes_view_left(self) -> None:
        self.to_neurons()
