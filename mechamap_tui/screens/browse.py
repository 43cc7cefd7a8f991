"""The browse screen: a run's layers, its neurons, and one neuron from all sides."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import Screen
from textual.timer import Timer
from textual.widget import Widget
from textual.widgets import Static

from mechamap.errors import MechaMapError
from mechamap.notes import Notes
from mechamap.run import Run
from mechamap_tui.clipboard import copy_text
from mechamap_tui.widgets.category_pane import CategoryPane
from mechamap_tui.widgets.charts import CategoryChart
from mechamap_tui.widgets.detail_pane import DetailPane
from mechamap_tui.widgets.key_footer import KeyFooter
from mechamap_tui.widgets.layer_line import LayerLine
from mechamap_tui.widgets.layer_list import CUT, LayerList
from mechamap_tui.widgets.neuron_lines import DOWN, UP
from mechamap_tui.widgets.neuron_table import NeuronTable
from mechamap_tui.widgets.pane_line import PANES, PaneLine
from mechamap_tui.widgets.pane_title import pane_title
from mechamap_tui.widgets.prompt import Prompt
from mechamap_tui.widgets.run_header import RunHeader

if TYPE_CHECKING:
    from mechamap_tui.widgets.notes_view import NotesView

__all__ = ["BrowseScreen"]

REST = 0.06  # seconds the cursor rests on a neuron before the other panes follow it
WIDE, NARROW, LEAST_WIDTH, LEAST_HEIGHT = 100, 80, 60, 15


class BrowseScreen(Screen[None]):
    """Browses one run, finished or still being made.

    Args:
        run: an open run; :meth:`refresh_run` says that it has been read again.

    Raises:
        RunError: a figure's file is missing or damaged.
    """

    # Not a file of its own: loading one makes Textual parse all styles again, a tenth of the way to the first frame.
    DEFAULT_CSS = """
    BrowseScreen {
        #panes { height: 1fr; }
        #upper { height: 3fr; }
        #lower { height: 2fr; }
        #layers { width: 26; }
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

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("n", "new_scan", "scan"),
        Binding("x", "cancel_scan", "cancel scan"),
        Binding("slash", "filter", "filter", key_display="/"),
        Binding("N", "clear", "clear"),
        Binding("c", "category(1)", "category"),
        Binding("C", "category(-1)", "previous category", show=False),
        Binding("left_square_bracket", "layer(-1)", "previous layer", key_display="[", show=False),
        Binding("right_square_bracket", "layer(1)", "next layer", key_display="]", show=False),
        Binding("apostrophe", "goto", "go to", key_display="'"),
        Binding("m", "mark", "mark"),
        Binding("M", "marked", "show marked", show=False),
        Binding("y", "copy", "copy"),
        Binding("e", "export", "export"),
        Binding("t", "next_detail", "tokens/text/...", show=False),
        Binding("z", "zoom", "zoom", show=False),
        Binding("i", "info", "about the run", show=False),
        *(Binding(str(n), f"pane({n})", f"go to {name}", show=False) for n, name in enumerate(PANES, start=1)),
        Binding("q,escape", "back", "back"),
    ]

    def __init__(self, run: Run) -> None:
        super().__init__()
        self.run = run
        for figure in run.record.figures:  # a run that lacks a file is refused here, not while it is painted
            run.figure(figure)
        self.category = run.categories[0] if run.categories else ""
        self._trouble: MechaMapError | None = None
        try:
            self.notes = Notes(run.path)
        except MechaMapError as error:
            self._trouble, self.notes = error, Notes(None)
        self._expression = ""
        self._only_marked = False
        self._zoomed = False
        self._filtered = False
        self._pane = "neurons"
        self._resting: Timer | None = None
        self._seen: tuple[object, ...] = ()
        self.table = NeuronTable(run, self.category, id="neurons", classes="pane")
        self.layers_pane = LayerList(run, self.category, id="layers", classes="pane")
        self.layer_line = LayerLine(run, self.layers_pane.counts, self.category, id="layer-line")
        self.detail = DetailPane(run, self.notes, self.category, id="detail", classes="pane")
        self.categories = CategoryPane(run, self.category, id="categories", classes="pane")
        self.header = RunHeader(run, _progress())
        self.prompt = Prompt(id="prompt")

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

    def on_mount(self) -> None:
        self.layers_pane.border_title = "1 Layers"
        if self.run.has("selectivity"):
            self.layers_pane.border_subtitle = f"|reads| ≥ {CUT:.2f}".replace("0.", ".")
        self._take_marks()
        self._show_run()
        self._fit()
        if self._trouble is not None:
            self._tell(self._trouble)

    # --- the run ---------------------------------------------------------------------------------------------

    def refresh_run(self) -> None:
        """Show what is new in the run; the cursor stays on its neuron."""
        if self.is_mounted:  # else it is shown when the screen is
            self._show_run()

    def _show_run(self) -> None:
        complete = self.run.complete_layers
        seen = (self.scanning, self.run.record.state, len(complete), self.run.record.problems)
        if seen == self._seen:
            return
        before, self._seen = self._seen, seen
        if len(complete) == len(self.run.layers):
            self.table.show_available(None)
        else:
            mask = np.zeros(self.run.neurons, dtype=bool)
            for rows in complete:
                mask[rows.rows] = True
            self.table.show_available(mask)
        self.layers_pane.renew(keep_scroll=True)
        self._apply_filter()
        self.layer_line.show(self.category, self.layers_pane.layer_shown)
        self.header.show(self.scanning)
        if before[:1] != seen[:1]:
            self.refresh_bindings()
            self.detail.show(self.detail.row, self.category)

    @property
    def scanning(self) -> bool:
        """Whether the app is scanning this very run."""
        run = getattr(getattr(self.app, "live", None), "run", None)
        return run is not None and run.path == self.run.path

    def scopes(self) -> dict[str, NDArray[np.int64]]:
        """Rows of everything there is, of what the table shows, and of what is marked, in the table's order."""
        order = self.table.order
        marked = np.zeros(self.run.neurons, dtype=bool)
        marked[list(self.table.marked)] = True
        return {"all": order.matching(), "filtered": order.rows, "marked": order.matching(marked)}

    # --- messages --------------------------------------------------------------------------------------------

    def on_neuron_table_neuron_highlighted(self, event: NeuronTable.NeuronHighlighted) -> None:
        self._follow_soon()

    def _follow_soon(self) -> None:
        if self._resting is not None:
            self._resting.stop()
        self._resting = self.set_timer(REST, self._follow)

    def _follow(self) -> None:
        """Make the other panes show the table's neuron and category."""
        row = self.table.cursor_row
        if self.layers_pane.category != self.category:
            self.layers_pane.show_category(self.category)
            self.layer_line.show(self.category, self.layers_pane.layer_shown)
        self.detail.show(row, self.category)
        self.categories.show(row, self.category)

    async def on_neuron_table_neuron_opened(self, event: NeuronTable.NeuronOpened) -> None:
        self._follow()
        await self.action_pane(3)

    def on_neuron_table_order_changed(self) -> None:
        self._entitle_table()
        filtered = bool(self.table.order.filters)
        if filtered != self._filtered:  # the footer is made anew, so only when it changes
            self._filtered = filtered
            self.refresh_bindings()

    def on_layer_list_layer_changed(self, event: LayerList.LayerChanged) -> None:
        layer = event.layer
        self.table.show_only("layer", None if layer is None else self.run.layer_of == layer)
        self.layer_line.show(self.category, layer)

    def on_layer_list_layer_chosen(self) -> None:
        self._zoomed = False
        self._to_neurons()

    def on_layer_line_layer_clicked(self, event: LayerLine.LayerClicked) -> None:
        self.layers_pane.go_to(event.layer)

    def on_category_chart_category_clicked(self, event: CategoryChart.CategoryClicked) -> None:
        self.show_category(event.category, stay=True)

    def on_notes_view_note_written(self, event: NotesView.NoteWritten) -> None:
        try:
            self.notes.write_note(str(self.run.neuron_name(event.row)), event.text)
        except MechaMapError as error:
            self._tell(error)

    def on_notes_view_left(self) -> None:
        self._to_neurons()

    # --- category, layer, filter -----------------------------------------------------------------------------

    def show_category(self, category: str, *, stay: bool = False) -> None:
        """Look at another category, everywhere; ``stay`` keeps the cursor on its neuron."""
        self.category = category
        self.table.show_category(category, stay=stay)
        if self._expression:
            self._apply_filter()
        self._follow_soon()

    def action_category(self, steps: int) -> None:
        names = self.run.categories
        if names:
            self.show_category(names[(names.index(self.category) + steps) % len(names)])

    def action_layer(self, steps: int) -> None:
        self.layers_pane.action_step(steps)

    async def action_filter(self) -> None:
        await self._ask("filter", "filter", self._expression, "reads > .9 and layer >= 20, or a token: apple")

    async def _ask(self, kind: str, label: str, text: str, placeholder: str) -> None:
        if not self.prompt.is_attached:  # made when first needed: most of the time nobody asks
            await self.mount(self.prompt, before=self.query_one(KeyFooter))
        self.prompt.ask(kind, label, text, placeholder)

    async def action_goto(self) -> None:
        await self._ask("goto", "go to neuron", "", "L27.N1520, or 27.1520")

    def action_clear(self) -> None:
        """Take all filters away: the expression, the layer, the marked ones."""
        self._expression, self._only_marked = "", False
        self.layers_pane.go_to(None)
        self.table.show_only("marked", None)
        self._apply_filter()

    def on_prompt_typed(self, event: Prompt.Typed) -> None:
        try:
            self.prompt.answer(self._tried(event.kind, event.text))
        except MechaMapError as error:
            self.prompt.refuse(error)

    def on_prompt_submitted(self, event: Prompt.Submitted) -> None:
        try:
            self._tried(event.kind, event.text)
            if event.kind == "filter":
                self._expression = event.text.strip()
                self._entitle_table()
            elif event.text.strip():
                self._go_to(self.run.row_of(event.text))
        except MechaMapError as error:
            self.prompt.refuse(error)
            return
        self.prompt.close()
        self._to_neurons()

    def on_prompt_left(self, event: Prompt.Left) -> None:
        if event.kind == "filter":
            self._apply_filter()
        self._to_neurons()

    def _tried(self, kind: str, text: str) -> str:
        """What a typed text would do; a filter already shows it.

        Raises:
            MechaMapError: it makes no sense.
        """
        if kind == "filter":
            mask = self._mask(text)
            self.table.show_only("expression", mask)
            return f"{len(self.table.order):,} neurons" if mask is not None else "all neurons"
        if not text.strip():
            return ""
        row = self.run.row_of(text)
        return "" if self.table.order.place_of(row) is not None else "not shown now; enter takes the filters away"

    def _mask(self, expression: str) -> NDArray[np.bool_] | None:
        if not expression.strip():
            return None
        from mechamap.query import matching

        return matching(self.run, expression, self.category or None)

    def _apply_filter(self) -> None:
        try:
            mask = self._mask(self._expression)
        except MechaMapError as error:  # it made sense for the category it was written for
            mask = None
            self._expression = ""
            self._tell(error)
        self.table.show_only("expression", mask)

    def _go_to(self, row: int) -> None:
        rows = self.run.layer_rows(int(self.run.layer_of[row]))
        if not rows.complete:
            self.notify(f"Layer {rows.layer} is not finished yet.", severity="warning", markup=False)
        elif not self.table.go_to(row):
            self.action_clear()
            self.table.go_to(row)
            self.notify("The filters hid it and were taken away.", markup=False)

    # --- marks and copies ------------------------------------------------------------------------------------

    def action_mark(self) -> None:
        row = self.table.cursor_row
        if row is None:
            return
        name = str(self.run.neuron_name(row))
        try:
            self.notes.mark(name, not self.notes.is_marked(name))
        except MechaMapError as error:
            self._tell(error)
        self._take_marks()
        self.detail.show(self.detail.row, self.category)

    def action_marked(self) -> None:
        """Show only the marked neurons, or all again."""
        if not self._only_marked and not self.table.marked:
            self.notify("No neuron is marked; m marks the one under the cursor.", markup=False)
            return
        self._only_marked = not self._only_marked
        self._take_marks()

    def _take_marks(self) -> None:
        rows = set()
        for name in self.notes.marked:
            try:
                rows.add(self.run.row_of(name))
            except MechaMapError:
                continue  # a mark from a larger scan into the same folder: kept in the file, nothing to show here
        self.table.marked = rows
        self._only_marked = self._only_marked and bool(rows)
        if self._only_marked:
            mask = np.zeros(self.run.neurons, dtype=bool)
            mask[list(rows)] = True
            self.table.show_only("marked", mask)
        else:
            self.table.show_only("marked", None)
        self.table.refresh_marks()

    def action_copy(self) -> None:
        row = self.table.cursor_row
        if row is not None:
            where = copy_text(self.app, self.table.described(row))
            self.notify(f"{self.run.neuron_name(row)} copied {where}.", markup=False)

    # --- panes -----------------------------------------------------------------------------------------------

    async def action_pane(self, number: int) -> None:
        """Go to a pane; going again to the detail or the categories opens its next tab."""
        name = PANES[number - 1]
        again = self._pane == name and self.focused is not None and not self.prompt.asking
        self._go_to_pane(name)
        match name:
            case "layers":
                self.layers_pane.focus()
            case "neurons":
                self._to_neurons()
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

    def _to_neurons(self) -> None:
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
        """One step back: out of the zoom, to the neurons, to where the user came from."""
        if self._zoomed:
            self.action_zoom()
        elif self._pane != "neurons":
            self._to_neurons()
        else:
            back = getattr(self.app, "action_back", None)
            if back is not None:
                back()

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        for name in PANES:
            pane = self.query_one(f"#{name}")
            if pane in event.widget.ancestors_with_self:
                self._go_to_pane(name)

    def on_resize(self) -> None:
        self._fit()

    def _fit(self) -> None:
        """Show what there is room for: all panes, or one of them, or a line that says how much room is needed."""
        width, height = self.app.size
        small = width < LEAST_WIDTH or height < LEAST_HEIGHT
        narrow = width < NARROW
        one = self._zoomed or narrow or (self._pane == "layers" and width < WIDE)
        self.update_classes({"-one": one, "-medium": NARROW <= width < WIDE and not one}, animate=False)
        self.query_one("#too-small").display = small
        for part in (self.header, self.query_one("#panes"), self.query_one(KeyFooter)):
            part.display = not small
        self.query_one(PaneLine).display = narrow and not self._zoomed and not small
        self.layer_line.display = NARROW <= width < WIDE and not one and not small
        shown = [name for name in PANES if (name == self._pane if one else name != "layers" or width >= WIDE)]
        for name in PANES:
            self.query_one(f"#{name}").display = name in shown
        self.query_one("#upper").display = "layers" in shown or "neurons" in shown
        self.query_one("#lower").display = "detail" in shown or "categories" in shown
        self.query_one(PaneLine).show(self._pane)
        if small:
            text = f"MechaMap needs {LEAST_WIDTH}x{LEAST_HEIGHT} cells; here are {width}x{height}."
            self.query_one("#too-small", Static).update(text)

    def _entitle_table(self) -> None:
        order, complete = self.table.order, len(self.run.complete_layers) == len(self.run.layers)
        arrows = [f"{self.table.column_title(k.column)} {DOWN if k.descending else UP}" for k in order.keys]
        self.table.border_title = pane_title(
            "2 Neurons",
            f"category {self.category}" if self.category else "",
            f"{len(order):,} of {order.available:,}" + ("" if complete else " so far"),
            f"sorted by {', then '.join(arrows)}",
        )
        layer = self.layers_pane.layer_shown
        shown = [
            f"layer {layer}" if layer is not None else "",
            "marked" if self._only_marked else "",
            self._expression,
        ]
        only = " and ".join(part for part in shown if part)
        self.table.border_subtitle = pane_title(f"only {only} (N clears)") if only else None

    # --- the app around it -----------------------------------------------------------------------------------

    def action_info(self) -> None:
        from mechamap_tui.screens.run_info import RunInfo

        self.app.push_screen(RunInfo(self.run))

    async def action_new_scan(self) -> None:
        await self._ask_app("action_new_scan")

    async def action_export(self) -> None:
        await self._ask_app("action_export")

    async def action_cancel_scan(self) -> None:
        await self._ask_app("action_cancel_scan")

    async def _ask_app(self, action: str) -> None:
        answer: Any = getattr(self.app, action)()
        if hasattr(answer, "__await__"):
            await answer

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only what does something now is in the footer and on the keys."""
        if action in ("new_scan", "export", "cancel_scan"):
            return hasattr(self.app, f"action_{action}") and (action != "cancel_scan" or self._any_scan)
        if action == "clear":
            return bool(self.table.order.filters)
        if action in ("filter", "goto"):
            return not self.prompt.asking
        if action == "category":
            return len(self.run.categories) > 1
        return True

    @property
    def _any_scan(self) -> bool:
        return getattr(self.app, "live", None) is not None

    def _tell(self, error: MechaMapError) -> None:
        show: Any = getattr(self.app, "show_error", None)
        if show is not None:
            show(error)
        else:
            self.notify(f"{error.message} {error.hint}", title=error.title, severity="error", markup=False)


def _progress() -> Widget | None:
    try:
        from mechamap_tui.widgets.progress import ScanProgress
    except ImportError:
        return None
    return ScanProgress()
