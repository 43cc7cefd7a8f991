"""The panes of the browse screen: which of them fit, and going from one to another."""

from __future__ import annotations

from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.screen import Screen
from textual.widgets import Static

from mechamap.errors import MechaMapError
from mechamap.runs.notes import Notes
from mechamap.runs.run import Run
from mechamap_tui.browse.categories import CategoryPane
from mechamap_tui.browse.charts import CategoryChart
from mechamap_tui.browse.detail.pane import DetailPane
from mechamap_tui.browse.header import PANES, PaneLine, RunHeader
from mechamap_tui.browse.layer_line import LayerLine
from mechamap_tui.browse.layer_list import LayerList
from mechamap_tui.browse.table.table import NeuronTable
from mechamap_tui.explorer import LEAST_HEIGHT, LEAST_WIDTH, explorer_of
from mechamap_tui.widgets.key_footer import KeyFooter
from mechamap_tui.widgets.progress import ScanProgress
from mechamap_tui.widgets.prompt import Prompt

__all__ = ["PaneScreen"]


WIDE, NARROW = 100, 80  # columns


class PaneScreen(Screen[None]):
    """A run's panes: all of them where they fit, one at a time where not, and any alone when zoomed."""

    # Not a file of its own: loading one makes Textual parse all styles again, a tenth of the way to the first frame.
    DEFAULT_CSS = """
    PaneScreen {
        #panes { height: 1fr; }
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
    AUTO_FOCUS = "#neurons"

    def __init__(self, run: Run, notes: Notes) -> None:
        super().__init__()
        self.run = run
        self.notes = notes
        category = run.categories[0] if run.categories else ""
        self._zoomed = False
        self._pane = "neurons"
        self.table = NeuronTable(run, category, id="neurons", classes="pane")
        self.layers_pane = LayerList(run, category, id="layers", classes="pane")
        self.layer_line = LayerLine(run, self.layers_pane.counts, category, id="layer-line")
        self.detail = DetailPane(run, self.notes, category, id="detail", classes="pane")
        self.categories = CategoryPane(run, category, id="categories", classes="pane")
        self.header = RunHeader(run, ScanProgress())
        self.prompt = Prompt(self, self.to_neurons, id="prompt")

    def compose(self) -> ComposeResult:
        yield self.header
        yield PaneLine(id="pane-line")
        yield self.layer_line
        with Vertical(id="panes"):
            with Horizontal(id="upper"):
                yield self.layers_pane
                yield self.table
            with Horizontal(id="lower"):
                yield self.detail
                yield self.categories
        yield KeyFooter()
        yield Static(id="too-small")

    async def action_pane(self, number: int) -> None:
        """Go to a pane; going again to the detail or the categories opens its next tab."""
        name = PANES[number - 1]
        again = self._pane == name and self.focused is not None and not self.prompt.asking
        self._go_to_pane(name)
        match name:
            case "layers":
                self.layers_pane.focus()
            case "neurons":
                self.to_neurons()
            case "detail":
                if again:
                    await self.detail.show_next_tab()
                self.detail.focus_tab()
            case _:
                if again:
                    self.categories.action_next_tab(1)
                self.categories.query_one(CategoryChart).focus()

    async def action_detail(self, tab: str) -> None:
        """Open a tab of the detail pane, as a click on its name does."""
        await self.detail.show_tab(tab)
        self.detail.focus_tab()

    def action_chart(self, tab: str) -> None:
        self.categories.show_tab(tab)

    async def action_next_detail(self) -> None:
        """The next tab of the detail pane, without going there."""
        await self.detail.show_next_tab()

    def to_neurons(self, *, unzoom: bool = False) -> None:
        """Focus the neuron table."""
        self._zoomed = self._zoomed and not unzoom
        self._go_to_pane("neurons")
        self.table.focus()

    def _go_to_pane(self, name: str) -> None:
        if name != self._pane:
            self._pane = name
            self._fit()

    def action_zoom(self) -> None:
        self._zoomed = not self._zoomed
        self._fit()

    def action_back(self) -> None:
        """One step back: out of the zoom, to the neurons, to the previous screen."""
        if self._zoomed:
            self.action_zoom()
        elif self._pane != "neurons":
            self.to_neurons()
        else:
            explorer_of(self).back()

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        for name in PANES:
            pane = self.query_one(f"#{name}")
            if pane in event.widget.ancestors_with_self:
                self._go_to_pane(name)

    def on_mount(self) -> None:
        self._fit()

    def on_resize(self) -> None:
        self._fit()
        self.call_after_refresh(self._keep_keys)

    async def _keep_keys(self) -> None:
        if self.focused is None:  # hidden widgets, in a window too small for them, lose the focus
            await self.action_pane(PANES.index(self._pane) + 1)

    def _fit(self) -> None:
        """Show what fits: all panes, or one of them, or a line that says how much room is needed."""
        width, height = self.app.size
        small = width < LEAST_WIDTH or height < LEAST_HEIGHT
        narrow = width < NARROW
        one = self._zoomed or narrow or (self._pane == "layers" and width < WIDE)
        self.update_classes({"-one": one, "-medium": NARROW <= width < WIDE and not one}, animate=False)
        self.query_one("#too-small").display = small
        for part in (self.header, self.query_one("#panes"), self.query_one(KeyFooter)):
            part.display = not small
        self.layers_pane.styles.width = "1fr" if one else self.layers_pane.fitting_width(width)
        self.query_one(PaneLine).display = narrow and not self._zoomed and not small
        self.layer_line.display = NARROW <= width < WIDE and not one and not small
        shown = [name for name in PANES if (name == self._pane if one else name != "layers" or width >= WIDE)]
        for name in PANES:
            self.query_one(f"#{name}").display = name in shown
        self.query_one("#upper").display = "layers" in shown or "neurons" in shown
        self.query_one("#lower").display = "detail" in shown or "categories" in shown
        self.query_one(PaneLine).show(self._pane)
        if small:
            text = f"MechaMap needs {LEAST_WIDTH}x{LEAST_HEIGHT} cells; this is {width}x{height}."
            self.query_one("#too-small", Static).update(text)

    def tell(self, error: MechaMapError) -> None:
        explorer_of(self).show_error(error)
