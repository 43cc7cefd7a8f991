"""Pane 3: one neuron, in five or six ways."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar, TypeAlias

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.content import Content

from mechamap.figures.findings import finding
from mechamap.runs.kept.notes import Notes
from mechamap.runs.layout import side_labels
from mechamap.runs.record import CORPUS_FORMAT
from mechamap.runs.run import Run
from mechamap.tables.numbers import correlation
from mechamap_tui.browse.detail.place import NeuronPlace
from mechamap_tui.browse.detail.tokens import TokenView
from mechamap_tui.data.check_signs import BADGE_SIGNS
from mechamap_tui.data.occurrences import OccurrenceMap
from mechamap_tui.terminal.textual_internals import alone
from mechamap_tui.widgets.glyphs import MARK
from mechamap_tui.widgets.pane_title import first_fitting, pane_title

if TYPE_CHECKING:
    from mechamap_tui.browse.detail.contexts import ContextView
    from mechamap_tui.browse.detail.corpus_histogram import CorpusHistogramView
    from mechamap_tui.browse.detail.histogram import HistogramView
    from mechamap_tui.browse.detail.lens import LensView
    from mechamap_tui.browse.detail.notes import NotesView
    from mechamap_tui.browse.detail.text import TextView

    DetailView: TypeAlias = (
        TokenView | ContextView | TextView | LensView | HistogramView | CorpusHistogramView | NotesView
    )

__all__ = ["DetailPane", "detail_tabs"]


SHORT_NAMES = {"tokens": "tok", "contexts": "ctx", "histogram": "hist"}


def detail_tabs(run: Run) -> tuple[str, ...]:
    """The tabs of a neuron of a run: contexts where it is over a corpus."""
    contexts = ("contexts",) if run.record.format == CORPUS_FORMAT else ()
    return ("tokens", *contexts, "text", "lens", "histogram", "notes")


class DetailPane(Container):
    """The chosen neuron's tokens, its contexts or the text it saw, what it writes, its distribution and its note.

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

    def __init__(self, run: Run, notes: Notes, category: str) -> None:
        super().__init__(id="detail", classes="pane")
        self.run, self.notes, self.category = run, notes, category
        self.row: int | None = None
        self.tabs = detail_tabs(run)
        self.tab = self.tabs[0]
        self._occurrences = OccurrenceMap(run)
        self._place = NeuronPlace(run, self._occurrences)
        self._sides = side_labels(run.layers, run.record.proof)
        self._views: dict[str, DetailView] = {self.tab: self._make_view(self.tab)}  # those that were opened

    def compose(self) -> ComposeResult:
        yield self._place
        yield self.open_view

    def on_mount(self) -> None:
        self.show(None, self.category)

    def show(self, row: int | None, category: str) -> None:
        """Show a neuron in the open tab."""
        self.row, self.category = row, category
        self._entitle()
        with alone(self.open_view):
            self.open_view.show(row, category)

    async def show_tab(self, tab: str) -> None:
        """Open a tab; its view is made when it is first opened."""
        before = self.open_view
        if self.tab == "notes":
            from mechamap_tui.browse.detail.notes import NotesView

            with alone(before):
                self.query_one(NotesView).keep()
        if tab not in self._views:
            self._views[tab] = self._make_view(tab)
            await self.mount(self._views[tab])
        self.tab = tab
        before.display = False
        self.open_view.display = True
        self.show(self.row, self.category)

    async def show_next_tab(self, steps: int = 1) -> None:
        await self.show_tab(self.tabs[(self.tabs.index(self.tab) + steps) % len(self.tabs)])

    async def action_tab(self, tab: str) -> None:
        """Open a tab and go there, as a click on its name does."""
        await self.show_tab(tab)
        self.focus_tab()

    async def action_next_tab(self, steps: int) -> None:
        await self.show_next_tab(steps)
        self.focus_tab()

    def focus_tab(self) -> None:
        """Focus what the open tab shows."""
        self.open_view.focus()

    @property
    def open_view(self) -> DetailView:
        """What the open tab focuses; the note's editor is entered deliberately, by enter or a click."""
        return self._views[self.tab]

    def _entitle(self) -> None:
        if self.row is None:
            self.border_title = self._title("3 no neuron")
            self._place.show(None, self.category)
            return
        name = str(self.run.neuron_name(self.row))
        side = self._sides.get(int(self.run.layer_of[self.row]))
        marked = MARK if self.notes.is_marked(name) else ""
        on_side = f"{name}{marked} {side}" if side else f"{name}{marked}"
        reads = badge = verdict = ""
        if self.category:
            about = finding(self.run, self.row, self.category)
            badge, verdict = about.badge, about.verdict
            reads = f"{self.category} {correlation(about.reads)}" if self.run.has("selectivity") else ""
        sign = BADGE_SIGNS.get(badge, "")
        with_side = [self._title(f"3 {on_side}{sign}", compact=True, short=short) for short in (None, SHORT_NAMES)]
        title = first_fitting(
            self.outer_size.width,
            self._title(f"3 {on_side}", f"{reads} {verdict}".strip()),
            self._title(f"3 {on_side}", badge),
            *(with_side if side else ()),
            self._title(f"3 {name}{marked}{sign}"),
            self._title(f"3 {name}{sign}", compact=True),
            self._title(f"3 {name}{sign}", compact=True, short=SHORT_NAMES),
        )
        self.border_title = title
        self._place.show(self.row, self.category, "" if side is None or side in title.plain else side)

    def _title(self, *parts: str, compact: bool = False, short: Mapping[str, str] | None = None) -> Content:
        return pane_title(*parts, tabs=self.tabs, current=self.tab, compact=compact, short=short)

    def on_resize(self) -> None:
        self._entitle()

    def _make_view(self, tab: str) -> DetailView:
        """The widget of a tab; loaded only now, as most of the time a single tab is used."""
        match tab:
            case "tokens":
                return TokenView(self.run, self._occurrences, id=tab)
            case "contexts":
                from mechamap_tui.browse.detail.contexts import ContextView

                return ContextView(self.run, id=tab)
            case "text":
                from mechamap_tui.browse.detail.text import TextView

                return TextView(self.run, self._occurrences, id=tab)
            case "lens":
                from mechamap_tui.browse.detail.lens import LensView

                return LensView(self.run, id=tab)
            case "histogram":
                return self._histogram(tab)
            case _:
                from mechamap_tui.browse.detail.notes import NotesView

                return NotesView(self.run, self.notes, id=tab)

    def _histogram(self, tab: str) -> HistogramView | CorpusHistogramView:
        """Of the activations over a text, or as a scan over a corpus counted them."""
        if self.run.record.format == CORPUS_FORMAT:
            from mechamap_tui.browse.detail.corpus_histogram import CorpusHistogramView

            return CorpusHistogramView(self.run, id=tab)
        from mechamap_tui.browse.detail.histogram import HistogramView

        return HistogramView(self.run, self._occurrences, id=tab)
