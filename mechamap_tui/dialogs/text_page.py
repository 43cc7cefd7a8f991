"""A page of text over the screen, to read to its end and close."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen

from mechamap_tui.terminal.key_hints import key_hints
from mechamap_tui.terminal.terminal_text import clean
from mechamap_tui.widgets.line_view import LineView

__all__ = ["CLOSES", "PageLines", "TextPage"]

PageLines = Callable[[int], Iterable[tuple[str, str]]]
"""The lines of a page for a width: ("title" | "text" | "trouble", line)."""


CLOSES = (("close", "closes"),)
INDENT = 4  # of what did not fit on the line before


class TextPage(ModalScreen[None]):
    """A page with a title, and its keys below.

    Args:
        hints: actions that have keys, and what each does.
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q,i,enter", "close", "close")]

    DEFAULT_CSS = """
    TextPage { align: center middle; }
    TextPage > LineView { width: 90%; max-width: 110; height: 90%; border: round $accent; padding: 0 1;
                          background: $surface; }
    """

    def __init__(self, title: str, lines: PageLines, hints: Sequence[tuple[str, str]] = CLOSES) -> None:
        super().__init__()
        self.title = title
        self._view = _PageView(lines)
        self._view.border_title, self._hints = title, hints

    def compose(self) -> ComposeResult:
        self._view.border_subtitle = key_hints(self, *self._hints)
        yield self._view

    def action_close(self) -> None:
        self.dismiss()


class _PageView(LineView):
    def __init__(self, page: PageLines) -> None:
        super().__init__()
        self._page = page
        self._lines: list[Text] = []

    def measure(self, width: int) -> int:
        self._lines = []
        looks = {"title": "title", "trouble": "falling"}
        for kind, line in self._page(width - INDENT):
            text = Text(clean(line), self.look(looks[kind]) if kind in looks else "")
            first, *rest = text.wrap(self.app.console, max(width - INDENT, 1)) or [text]
            self._lines += [first, *(Text(" " * INDENT).append_text(piece) for piece in rest)]
        return len(self._lines)

    def line(self, index: int, width: int) -> Text:
        return self._lines[index]
