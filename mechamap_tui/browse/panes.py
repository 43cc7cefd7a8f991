"""The panes of the browse screen: which of them fit, and going from one to another."""

from __future__ import annotations

from textual import events
from textual.containers import Horizontal, Vertical

from mechamap_tui.browse.categories import CategoryPane
from mechamap_tui.browse.charts import CategoryChart
from mechamap_tui.browse.detail.pane import DetailPane
from mechamap_tui.browse.header import PANES, PaneLine
from mechamap_tui.browse.layer_line import LayerLine
from mechamap_tui.browse.layer_list import LayerList
from mechamap_tui.browse.table.table import NeuronTable

__all__ = ["Panes"]


WIDE, NARROW = 100, 80  # columns


class Panes(Vertical):
    """A run's panes: all of them where they fit, one at a time where not, and any alone when zoomed.

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
        super().__init__(self._pane_line, layer_line, self._upper, self._lower)

    async def go_to(self, name: str) -> None:
        """Focus a pane; going again to the detail or the categories opens its next tab."""
        again = self._pane == name and self.has_focus_within
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
