"""A dialog that asks for one of a few things, each on a line with a number."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Static

from mechamap_tui.terminal.key_hints import key_hints
from mechamap_tui.terminal.terminal_text import clean
from mechamap_tui.widgets.glyphs import CURSOR

__all__ = ["PickScreen"]


class PickScreen(ModalScreen[str | None]):
    """Dismissed with what was picked, or None.

    Args:
        title: of the dialog.
        choices: (value, label) each; a number picks one of the first nine.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,ctrl+g", "leave", "leave"),
        Binding("enter", "pick", "pick"),
        Binding("down,j", "move(1)", "down", show=False),
        Binding("up,k", "move(-1)", "up", show=False),
    ]

    DEFAULT_CSS = """
    PickScreen { align: center middle; }
    """

    def __init__(self, title: str, choices: Sequence[tuple[str, str]]) -> None:
        super().__init__()
        self.title, self.choices = title, tuple(choices)
        self.cursor = 0

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog") as dialog:
            dialog.border_title, dialog.border_subtitle = (
                clean(self.title or ""),
                key_hints(self, ("pick", "picks"), ("leave", "closes")),
            )
            yield Static(id="pick-list")

    def on_mount(self) -> None:
        self._show()

    def _show(self) -> None:
        text = Text()
        for number, (_, label) in enumerate(self.choices):
            mark = CURSOR if number == self.cursor else " "
            line = f"{mark} {number + 1} {clean(label)}\n"
            text.append(line, "bold reverse" if number == self.cursor else "")
        text.right_crop(1)
        self.query_one("#pick-list", Static).update(text)

    def on_key(self, event: events.Key) -> None:
        if event.character and event.character.isascii() and event.character.isdigit():
            number = int(event.character) - 1
            if 0 <= number < len(self.choices):
                event.stop()
                self.dismiss(self.choices[number][0])

    def action_move(self, steps: int) -> None:
        self.cursor = (self.cursor + steps) % len(self.choices)
        self._show()

    def action_pick(self) -> None:
        self.dismiss(self.choices[self.cursor][0])

    def action_leave(self) -> None:
        self.dismiss(None)
