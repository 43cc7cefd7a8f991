"""A question with two answers."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Button, Static

__all__ = ["ConfirmScreen"]


class ConfirmScreen(ModalScreen[bool]):
    """Asks before anything that cannot be undone; the answer that changes nothing has the focus."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer(True)", "yes"),
        Binding("n,q,escape", "answer(False)", "no"),
        Binding("left", "app.focus_previous", "previous button", show=False),
        Binding("right", "app.focus_next", "next button", show=False),
    ]

    AUTO_FOCUS = "#no"

    def __init__(self, title: str, question: str, *, yes: str, no: str) -> None:
        super().__init__()
        self.heading, self.question, self.yes, self.no = title, question, yes, no

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = self.heading
            yield Static(Text(self.question))
            with Horizontal(classes="buttons"):
                yield Button(Text(f"{self.yes} (y)"), id="yes", variant="warning", compact=True)
                yield Button(Text(f"{self.no} (n)"), id="no", variant="primary", compact=True)

    def on_button_pressed(self, event: Button.Pressed) -> None:
        self.dismiss(event.button.id == "yes")

    def action_answer(self, answer: bool) -> None:
        self.dismiss(answer)
