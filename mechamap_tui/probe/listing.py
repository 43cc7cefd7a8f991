"""A list of sentences or neurons, with a cursor that keys given elsewhere move."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from textwrap import wrap

from rich.text import Text
from textual import events
from textual.message import Message

from mechamap_tui.terminal.terminal_text import clean, fit
from mechamap_tui.widgets.line_view import LineView

__all__ = ["Entry", "Listing"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a list; ``key`` is what it stands for: a sentence, or a neuron's name."""

    key: str
    text: str
    dim: bool = False


class Listing(LineView):
    """Lines under a few that explain them; a click moves the cursor, a double click opens."""

    can_focus = False

    @dataclass
    class Opened(Message):
        """An entry was opened."""

        key: str

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._head: list[str] = []
        self._about: Sequence[str] = ()
        self._title = ""
        self._entries: Sequence[Entry] = ()
        self.cursor: int | None = None

    def show(self, about: Sequence[str], title: str, entries: Sequence[Entry], cursor: int | None) -> None:
        """Show a list.

        Args:
            about: sentences above it.
            title: over the columns; empty: they have none.
            cursor: the entry under the cursor; None: none is.
        """
        self._about, self._title, self._entries = about, title, entries
        self.cursor = None if cursor is None or not entries else min(cursor, len(entries) - 1)
        self.renew(keep_scroll=True)
        self._show_cursor()

    @property
    def key(self) -> str | None:
        """What is under the cursor."""
        return None if self.cursor is None or self.cursor >= len(self._entries) else self._entries[self.cursor].key

    def move(self, lines: int) -> None:
        """Move the cursor."""
        if self._entries:
            place = -1 if self.cursor is None and lines > 0 else self.cursor if self.cursor is not None else 0
            self.cursor = min(max(place + lines, 0), len(self._entries) - 1)
            self.renew(keep_scroll=True)
            self._show_cursor()

    @property
    def page(self) -> int:
        """Entries that are seen at once."""
        return max(self.scrollable_content_region.height - 1, 1)

    def measure(self, width: int) -> int:
        self._head = [line for sentence in self._about for line in wrap(clean(sentence), width)]
        if self._title:
            self._head.append(self._title)
        return len(self._head) + len(self._entries)

    def line(self, index: int, width: int) -> Text:
        if index < len(self._head):
            is_title = bool(self._title) and index == len(self._head) - 1
            return Text(fit(self._head[index], width), self.look("title" if is_title else "dim"))
        place = index - len(self._head)
        entry = self._entries[place]
        text = Text(fit(entry.text, width))
        if place == self.cursor:
            text.pad_right(max(width - text.cell_len, 0))
            text.stylize(self.look("cursor"))
        elif entry.dim:
            text.stylize(self.look("dim"))
        return text

    def on_click(self, event: events.Click) -> None:
        line = self.line_at(event)
        place = -1 if line is None else line - len(self._head)
        if 0 <= place < len(self._entries):
            self.cursor = place
            self.renew(keep_scroll=True)
            if event.chain == 2:
                self.post_message(self.Opened(self._entries[place].key))

    def _show_cursor(self) -> None:
        if self.cursor is None:
            return
        place, top = self.cursor + len(self._head), self.scroll_offset.y
        height = self.scrollable_content_region.height
        if self.cursor == 0 and place < height:
            self.scroll_to(y=0, animate=False)
        elif place < top:
            self.scroll_to(y=place, animate=False)
        elif place >= top + height:
            self.scroll_to(y=place - height + 1, animate=False)
