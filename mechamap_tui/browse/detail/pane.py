"""Pane 3: one neuron, in five ways."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar, cast

import numpy as np
from numpy.typing import NDArray
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.content import Content
from textual.timer import Timer

from mechamap.errors import MechaMapError
from mechamap.figures.findings import finding
from mechamap.runs.layout import side_labels
from mechamap.runs.notes import Notes
from mechamap.runs.run import Run
from mechamap.tables.numbers import correlation
from mechamap_tui.browse.detail.place import NeuronPlace
from mechamap_tui.browse.detail.tokens import TokenView
from mechamap_tui.data.advice_text import error_text
from mechamap_tui.data.check_signs import BADGE_SIGNS
from mechamap_tui.data.experts import routed_positions
from mechamap_tui.data.occurrences import OccurrenceMap
from mechamap_tui.explorer import explorer_of
from mechamap_tui.widgets.glyphs import MARK
from mechamap_tui.widgets.pane_title import first_fitting, pane_title

if TYPE_CHECKING:
    from textual.widget import Widget

    from mechamap_tui.browse.detail.histogram import HistogramView
    from mechamap_tui.browse.detail.lens import LensView
    from mechamap_tui.browse.detail.notes import NotesView
    from mechamap_tui.browse.detail.text import TextView

__all__ = ["DETAIL_TABS", "DetailPane"]


DETAIL_TABS = ("tokens", "text", "lens", "histogram", "notes")
SHORT_NAMES = {"tokens": "tok", "histogram": "hist"}
ASK_AFTER = 0.4  # seconds of rest on a neuron before its activations are asked from the engine


class DetailPane(Container):
    """The chosen neuron's tokens, the text it saw, what it writes, its distribution and its note.

    Only the open tab is made.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("right,l", "next_tab(1)", "next tab"),
        Binding("left,h", "next_tab(-1)", "previous tab", show=False),
    ]

    DEFAULT_CSS = """
    DetailPane > * { height: 1fr; }
    DetailPane > NeuronPlace { height: auto; }
    """

    def __init__(
        self, run: Run, notes: Notes, category: str, *, id: str | None = None, classes: str | None = None
    ) -> None:
        super().__init__(id=id, classes=classes)
        self.run, self.notes, self.category = run, notes, category
        self.row: int | None = None
        self.tab = DETAIL_TABS[0]
        self._occurrences = OccurrenceMap(run)
        self._place = NeuronPlace(run, self._occurrences)
        self._sides = side_labels(run.layers, run.record.proof)
        self._asking: Timer | None = None

    def compose(self) -> ComposeResult:
        yield self._place
        yield TokenView(id="tokens")

    def on_mount(self) -> None:
        self.show(None, self.category)

    def show(self, row: int | None, category: str) -> None:
        """Show a neuron in the open tab."""
        self.row, self.category = row, category
        if self._asking is not None:
            self._asking.stop()
        self._entitle()
        match self.tab:
            case "tokens":
                self.query_one(TokenView).show(self.run, row, self.category, self._occurrences)
            case "notes":
                name = "" if row is None else str(self.run.neuron_name(row))
                self._notes_view.show(row, self.notes.note(name))
            case "lens":
                cast("LensView", self.open_view).show(self.run, row, self.category)
            case _:
                self._show_activations()

    async def show_tab(self, tab: str) -> None:
        """Open a tab; its view is made when it is first opened, as most of the time only one is looked at."""
        before = self.open_view
        if self.tab == "notes":
            self._notes_view.keep()
        if not self.query(f"#{tab}"):
            await self.mount(_view(tab))
        self.tab = tab
        before.display = False
        self.open_view.display = True
        self.show(self.row, self.category)

    async def show_next_tab(self, steps: int = 1) -> None:
        await self.show_tab(DETAIL_TABS[(DETAIL_TABS.index(self.tab) + steps) % len(DETAIL_TABS)])

    async def action_next_tab(self, steps: int) -> None:
        await self.show_next_tab(steps)
        self.focus_tab()

    def focus_tab(self) -> None:
        """Give the keys to what the open tab shows."""
        self.open_view.focus()

    @property
    def open_view(self) -> Widget:
        """What takes the keys of the open tab; the note's editor is entered on purpose, by enter or a click."""
        return self.query_one(f"#{self.tab}")

    @property
    def _notes_view(self) -> NotesView:
        return cast("NotesView", self.query_one("#notes"))

    def _entitle(self) -> None:
        if self.row is None:
            self.border_title = self._title("3 no neuron")
            self._place.show(None, self.category)
            return
        name = str(self.run.neuron_name(self.row))
        side = self._sides.get(int(self.run.layer_of[self.row]))
        marked = MARK if self.notes.is_marked(name) else ""
        on_side = f"{name}{marked} {side}" if side else f"{name}{marked}"
        reads = badge = ""
        if self.category:
            found = finding(self.run, self.row, self.category)
            badge = found.badge
            reads = f"{self.category} {correlation(found.reads)}" if self.run.has("selectivity") else ""
        sign = BADGE_SIGNS.get(badge, "")
        with_side = [self._title(f"3 {on_side}{sign}", compact=True, short=short) for short in (None, SHORT_NAMES)]
        title = first_fitting(
            self.outer_size.width,
            self._title(f"3 {on_side}", f"{reads} {badge}".strip()),
            self._title(f"3 {on_side}", badge),
            *(with_side if side else ()),
            self._title(f"3 {name}{marked}{sign}"),
            self._title(f"3 {name}{sign}", compact=True),
            self._title(f"3 {name}{sign}", compact=True, short=SHORT_NAMES),
        )
        self.border_title = title
        self._place.show(self.row, self.category, "" if side is None or side in title.plain else side)

    def _title(self, *parts: str, compact: bool = False, short: Mapping[str, str] | None = None) -> Content:
        return pane_title(
            *parts, tabs=DETAIL_TABS, current=self.tab, action="screen.detail", compact=compact, short=short
        )

    def on_resize(self) -> None:
        self._entitle()

    # --- activations -----------------------------------------------------------------------------------------

    def _show_activations(self) -> None:
        row, run = self.row, self.run
        if row is None:
            return
        if not run.has_context:
            self._draw(None, "This run has no text: a CSV keeps only the top tokens.")
            return
        layer = int(run.layer_of[row])
        kept = run.activations(layer)
        if kept is not None:
            self._draw_kept(row, kept)
        elif (job := explorer_of(self).job) is not None:
            self._draw(None, f"{job.title} is running; activations can be had when it is done.")
        elif run.path is None:
            self._draw(None, "This run did not keep its activations.")
        else:
            self._draw(None, f"Loading the model to read the text with layer {layer} ...")
            self._asking = self.set_timer(ASK_AFTER, lambda: self._ask(layer))

    def _ask(self, layer: int) -> None:
        self.run_worker(self._fetch(layer), group="activations", exclusive=True, exit_on_error=False)

    async def _fetch(self, layer: int) -> None:
        assert self.run.path is not None
        try:
            await explorer_of(self).engine.activations(self.run.path, layer)
        except MechaMapError as error:
            self._draw(None, error_text(error))
            return
        row = self.row  # the cursor may have moved on while the model read the text
        if row is not None and int(self.run.layer_of[row]) == layer and self.run.activations(layer) is not None:
            self.show(row, self.category)

    def _draw_kept(self, row: int, kept: NDArray[np.float16]) -> None:
        """Show a neuron's activations; where nothing came to its expert, there are none."""
        values = np.array(kept[row - self.run.layer_rows(int(self.run.layer_of[row])).first_row], dtype=np.float32)
        routed = routed_positions(self.run, row, kept)
        if routed is None:
            self._draw(values)
        elif not routed.any():
            self._draw(None, f"No token of this text came to expert {self.run.expert_of[row]}.")
        else:
            values[~routed] = np.nan
            note = f"not routed to expert {self.run.expert_of[row]} (reads 0 there)"
            self._draw(values, note=note)

    def _draw(self, values: NDArray[np.float32] | None, message: str = "", *, note: str = "") -> None:
        if self.tab in ("text", "histogram"):
            view = cast("TextView | HistogramView", self.open_view)
            view.show(self.run, self.category, self._occurrences, values, message=message, note=note)


def _view(tab: str) -> Widget:
    match tab:
        case "text":
            from mechamap_tui.browse.detail.text import TextView

            return TextView(id=tab)
        case "lens":
            from mechamap_tui.browse.detail.lens import LensView

            return LensView(id=tab)
        case "histogram":
            from mechamap_tui.browse.detail.histogram import HistogramView

            return HistogramView(id=tab)
        case _:
            from mechamap_tui.browse.detail.notes import NotesView

            return NotesView(id=tab)
