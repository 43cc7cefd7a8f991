"""The probe screen: a line to type a sentence into, and what neurons do with it."""

from __future__ import annotations

from textwrap import wrap
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Input, Static

from mechamap.runs.run import Run
from mechamap_tui.probe.asking import Asking, Wish
from mechamap_tui.probe.entries import move_entries, outlier_entries, sentence_entries
from mechamap_tui.probe.facts import next_line, next_lines, token_facts
from mechamap_tui.probe.listing import Listing
from mechamap_tui.probe.sentence import SentenceView, piece_of, token_at
from mechamap_tui.probe.session import ProbeSession, View
from mechamap_tui.terminal.terminal_text import clean
from mechamap_tui.widgets.coloured_text import LEGEND
from mechamap_tui.widgets.glyphs import MARK
from mechamap_tui.widgets.key_footer import KeyFooter
from mechamap_tui.widgets.pane_title import pane_title
from mechamap_tui.widgets.progress import ScanProgress
from mechamap_tui.widgets.too_small import TooSmall

__all__ = ["ProbeScreen"]


_WIDE = 90  # columns from which the next tokens have a pane of their own
_TITLES: dict[View, str] = {
    "sentences": "Sentences",
    "outliers": "Furthest out of their usual range",
    "comparison": "The two marked sentences compared",
}


class ProbeScreen(Screen[str | None]):
    """Asks one neuron; dismissed with the name of the neuron to go to, or None.

    Args:
        run: on disk, with a model behind it.
        neuron: its name.
        session: what was typed before.
    """

    AUTO_FOCUS = "Input"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "tab", "turn(1)", "turn round", tooltip="from sentences to neurons that stand out, and to the comparison"
        ),
        Binding("shift+tab", "turn(-1)", "turn back", show=False),
        Binding("up", "move(-1)", "up", show=False),
        Binding("down", "move(1)", "down", show=False),
        Binding("pageup", "page(-1)", "page up", show=False),
        Binding("pagedown", "page(1)", "page down", show=False),
        Binding("ctrl+t", "mark", "mark to compare", tooltip="mark this sentence, to compare two"),
        Binding("ctrl+r", "remove", "remove", tooltip="take the sentence out of the list"),
        Binding("escape,ctrl+g", "leave", "back"),
    ]

    # Not a file of its own, see mechamap_tui.browse.panes.
    DEFAULT_CSS = """
    ProbeScreen {
        #probe-head { height: 1; background: $panel; padding: 0 1; }
        #probe-head > Static { width: 1fr; text-wrap: nowrap; text-overflow: ellipsis; }
        & Input, & Input:focus { height: 3; border: round $accent; padding: 0 1; background: $background; }
        #probe-upper { height: 2fr; }
        #probe-sentence { height: 1fr; }
        #probe-facts { height: auto; max-height: 5; color: $foreground 80%; }
        #probe-list { height: 3fr; }
        .pane { border: round $foreground 30%; border-title-color: $foreground 80%; padding: 0 1;
                background: $background; }
        #probe-tokens { width: 1fr; }
        #probe-next { width: 30; height: 1fr; }
    }
    """

    def __init__(self, run: Run, neuron: str, session: ProbeSession) -> None:
        super().__init__()
        assert run.path is not None
        self.title = "Probe"
        self.run, self.neuron, self.session = run, neuron, session
        self.asking = Asking(self, run.path, neuron, self.show)
        self._input = Input(session.text, placeholder="a sentence", select_on_focus=False)
        self._sentence = SentenceView(id="probe-sentence")
        self._facts = Static(id="probe-facts", markup=False)
        self._next = Static(id="probe-next", classes="pane", markup=False)
        self._list = Listing(id="probe-list")
        self._list.add_class("pane")

    def compose(self) -> ComposeResult:
        label = clean(f"{self.neuron} · {self.run.label} · {self.run.name}")
        with Horizontal(id="probe-head"):
            yield Static(Content.styled("Probe  ", "bold") + Content(label))
            yield ScanProgress()
        yield self._input
        with Horizontal(id="probe-upper"):
            with Vertical(id="probe-tokens", classes="pane") as tokens:
                tokens.border_title = pane_title(self.neuron, LEGEND)
                yield self._sentence
                yield self._facts
            self._next.border_title = pane_title("Next token")
            yield self._next
        yield self._list
        yield KeyFooter()
        yield TooSmall()

    def on_mount(self) -> None:
        self._input.border_title = "sentence"
        self._input.cursor_position = len(self._input.value)
        self.watch(self._input, "selection", self._moved, init=False)
        self._fit()
        self.show()
        self._want()

    # --- what is asked ---------------------------------------------------------------------------------------

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self.session.text = event.value
        self._want()

    def _moved(self) -> None:
        """The cursor has moved in the line: another token may be under it."""
        self._want()
        self.show()

    def _want(self) -> None:
        session = self.session
        pair = session.pair if session.view == "comparison" else None
        character = self._input.cursor_position
        self.asking.want(Wish(session.text, character, session.view == "outliers", pair))

    @property
    def cursor(self) -> int | None:
        """The token under the cursor, of the sentence that is shown."""
        values = self.asking.values
        return None if values is None else token_at(values.text, self._input.cursor_position)

    # --- what is shown ---------------------------------------------------------------------------------------

    def show(self) -> None:
        """Show the answers that are there."""
        asking, cursor = self.asking, self.cursor
        self._sentence.show(asking.values, cursor, asking.message)
        width = max(self._sentence.scrollable_content_region.width, 20)
        lines = token_facts(asking.values, cursor)
        if not self._next.display:
            lines.append(next_line(asking.details, width))
        shown = [part for line in lines if line for part in wrap(clean(line), width)]
        self._facts.update("\n".join(shown[:5]))
        self._next.update("\n".join(next_lines(asking.details, 26)) or self._why_no_next())
        self._show_list()

    def _why_no_next(self) -> str:
        details = self.asking.details
        return " ".join(details.notes) if details is not None and not details.next else ""

    def _show_list(self, cursor: int | None = None) -> None:
        session, asking = self.session, self.asking
        self._input.border_subtitle = _marks(session)
        at = self._list.cursor if cursor is None else cursor
        self._list.border_title = pane_title(_TITLES[session.view])
        match session.view:
            case "sentences":
                about, title, entries = sentence_entries(session)
                keys = [entry.key for entry in entries]
                at = keys.index(session.text) if session.text in keys else None
            case "outliers":
                details = asking.details
                if details is None or details.outliers is None:
                    about, title, entries = ["Type a sentence." if not session.text else "Asking ..."], "", []
                else:
                    token = piece_of(details.text, details.outliers.position)
                    about, title, entries = outlier_entries(details.outliers, token)
                    at = at or 0
            case _:
                if asking.moves is None:
                    about, title, entries = [asking.message or "Asking ..."], "", []
                else:
                    about, title, entries = move_entries(asking.moves)
                    at = at or 0
        self._list.show(about, title, entries, at)

    def on_resize(self) -> None:
        self._fit()
        self.call_after_refresh(self.show)

    def _fit(self) -> None:
        small = self.query_one(TooSmall).fit()
        for part in self.query("#probe-head, Input, #probe-upper, #probe-list, KeyFooter"):
            part.display = not small
        self._next.display = self.app.size.width >= _WIDE
        if not small and self.focused is None:  # a hidden line loses the focus
            self.set_focus(self._input)

    # --- keys ------------------------------------------------------------------------------------------------

    def action_turn(self, steps: int) -> None:
        """Show the next list: sentences, neurons that stand out, the comparison."""
        self.session.turn(steps)
        self._list.cursor = None
        self._want()
        self._show_list()

    def action_move(self, lines: int) -> None:
        """Through the list; of sentences, the one under the cursor comes into the line."""
        if self.session.view != "sentences":
            self._list.move(lines)
            return
        if self.session.text.strip() and self.session.text not in self.session.kept:
            self.session.keep(self.session.text)
            self._show_list()
        self._list.move(lines)
        if (key := self._list.key) is not None:
            self._put(key)

    def action_page(self, pages: int) -> None:
        self.action_move(pages * self._list.page)

    def _put(self, text: str) -> None:
        self._input.value = text
        self._input.cursor_position = len(text)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Keep the sentence; in a list of neurons, go to the one under the cursor."""
        event.stop()
        if self.session.view == "sentences":
            self.session.keep(event.value)
            self._show_list()
        elif (key := self._list.key) is not None:
            self.session.keep(event.value)
            self.dismiss(key)

    def on_listing_opened(self, event: Listing.Opened) -> None:
        if self.session.view == "sentences":
            self._put(event.key)
        else:
            self.dismiss(event.key)

    def action_mark(self) -> None:
        """Mark the sentence to be compared with another one."""
        self.session.mark(self.session.text)
        if self.session.view == "comparison" and self.session.pair is None:
            self.session.view = "sentences"
        self._want()
        self._show_list()

    def action_remove(self) -> None:
        """Take the sentence out of the list."""
        self.session.remove(self.session.text)
        self._show_list()

    def action_leave(self) -> None:
        self.session.keep(self.session.text)
        self.dismiss(None)


def _marks(session: ProbeSession) -> str:
    """What is marked, as the border of the line says it."""
    here = f"{MARK} marked" if session.text in session.marked else ""
    if session.pair is not None:
        return " · ".join(filter(None, (here, "two are marked: tab to their comparison")))
    return here and f"{here}: mark another one to compare"
