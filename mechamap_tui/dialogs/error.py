"""What went wrong, as a dialog: a title, what happened, and what to do."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Button, Static

from mechamap.errors import MechaMapError, Unforeseen
from mechamap_tui.data.advice_text import hint_text
from mechamap_tui.terminal.clipboard import copy_text
from mechamap_tui.terminal.terminal_text import clean

__all__ = ["ErrorScreen"]


class ErrorScreen(ModalScreen[None]):
    """Shows an error until it is closed; its text can be copied."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,enter", "close", "close"),
        Binding("y", "copy", "copy"),
    ]

    def __init__(self, error: MechaMapError) -> None:
        super().__init__()
        self.error = error

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog -wrong") as dialog:
            dialog.border_title = self.error.title
            with VerticalScroll(can_focus=False):
                yield Static(_lines(self.error.message), id="message")
                if hint := hint_text(self.error.hint):
                    yield Static(_lines(hint), id="hint")
            with Horizontal(classes="buttons"):
                yield Button("Close", id="close", variant="primary", compact=True)
                copied = "Copy a report (y)" if isinstance(self.error, Unforeseen) else "Copy (y)"
                yield Button(copied, id="copy", compact=True)

    def on_button_pressed(self, event: Button.Pressed) -> None:
        if event.button.id == "copy":
            self.action_copy()
        else:
            self.action_close()

    def action_close(self) -> None:
        self.dismiss(None)

    def action_copy(self) -> None:
        error = self.error
        parts: tuple[str, ...] = (error.title, error.message, hint_text(error.hint))
        if isinstance(error, Unforeseen) and error.report:
            parts = (error.title, error.report)  # for the maintainers: its message may hold what the user wrote
        where = copy_text(self.app, "\n".join(filter(None, parts)))
        self.notify(f"Copied {where}.", markup=False)


def _lines(text: str) -> Text:
    """Untrusted text: its line ends kept, everything else that moves a cursor made visible."""
    return Text("\n".join(clean(line) for line in text.splitlines()))
