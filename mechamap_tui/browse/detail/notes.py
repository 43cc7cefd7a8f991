"""A note about one neuron, kept as it is written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.message import Message
from textual.timer import Timer
from textual.widgets import Static, TextArea

from mechamap.errors import MechaMapError
from mechamap.runs.kept.notes import Notes
from mechamap.runs.run import Run
from mechamap_tui.explorer import explorer_of

__all__ = ["NotesView"]


REST = 0.5  # seconds without a key after which a note is kept


class NotesView(Vertical, can_focus=True):
    """An editor for the note; it is kept when typing rests and when another one is shown."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "write", "write a note"),
        Binding("escape,ctrl+g", "leave", "leave the note"),
    ]

    DEFAULT_CSS = """
    NotesView {
        & > Static { height: 1; color: $foreground 65%; }
        & > TextArea { height: 1fr; border: none; padding: 0; background: transparent; }
    }
    """

    @dataclass
    class Left(Message):
        """The user has finished writing."""

    def __init__(self, run: Run, notes: Notes, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._run, self._notes = run, notes
        self._row: int | None = None
        self._kept = ""
        self._resting: Timer | None = None

    def compose(self) -> ComposeResult:
        yield Static("Your note about this neuron; saved as you write. Enter starts, Esc or ctrl+g ends.", markup=False)
        yield TextArea(compact=True, show_line_numbers=False, highlight_cursor_line=False)

    def show(self, row: int | None, category: str) -> None:
        """Show a neuron's note, whatever the category; an unfinished one is kept first."""
        text = "" if row is None else self._notes.note(str(self._run.neuron_name(row)))
        before = self._kept
        self.keep()
        if row == self._row and text in (before, self._kept):
            return  # also where something was just typed, which ``text`` lacks
        self._row, self._kept = row, text
        editor = self.query_one(TextArea)
        editor.disabled = row is None
        with self.prevent(TextArea.Changed):
            editor.load_text(text)

    def keep(self) -> None:
        """Write what was typed since the last time to the notes' file."""
        if self._resting is not None:
            self._resting.stop()
            self._resting = None
        text = self.query_one(TextArea).text.strip()
        if self._row is not None and text != self._kept:
            self._kept = text
            try:
                self._notes.write_note(str(self._run.neuron_name(self._row)), text)
            except MechaMapError as error:
                explorer_of(self).show_error(error)

    def action_write(self) -> None:
        self.query_one(TextArea).focus()

    def action_leave(self) -> None:
        self.keep()
        self.post_message(self.Left())

    def on_text_area_changed(self, event: TextArea.Changed) -> None:
        event.stop()
        if self._resting is not None:
            self._resting.stop()
        self._resting = self.set_timer(REST, self.keep)

    def on_descendant_blur(self) -> None:
        self.keep()
