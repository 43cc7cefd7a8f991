"""A one-line question at the bottom of the screen, checked while it is typed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.timer import Timer
from textual.widgets import Input, Static

from mechamap.errors import MechaMapError, QueryError
from mechamap_tui.data.advice_text import hint_text

__all__ = ["Prompt"]


REST = 0.12  # seconds without a key after which what was typed is checked


class Prompt(Vertical):
    """Hidden until asked; posts what is typed, and how it ended. What comes of it is shown under the input."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,ctrl+g", "leave", "leave")]

    DEFAULT_CSS = """
    Prompt {
        display: none; height: 2; background: $panel;
        &.-asking { display: block; }
        & > Horizontal { height: 1; }
        & .prompt--label { width: auto; padding: 0 1; text-style: bold; }
        & Input { width: 1fr; height: 1; border: none; padding: 0 1; background: $surface; }
        & .prompt--answer { height: 1; padding: 0 1; color: $foreground 80%;
                            text-wrap: nowrap; text-overflow: ellipsis; }
        & .prompt--answer.-wrong { color: $text-error; text-style: bold; }
    }
    """

    @dataclass
    class Typed(Message):
        """The text changed and then rested."""

        kind: str
        text: str

    @dataclass
    class Submitted(Message):
        """Enter was pressed."""

        kind: str
        text: str

    @dataclass
    class Left(Message):
        """The question was left without an answer."""

        kind: str

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.kind = ""
        self._resting: Timer | None = None

    def compose(self) -> ComposeResult:
        with Horizontal():
            yield Static(classes="prompt--label")
            yield Input(compact=True, select_on_focus=False)
        yield Static(classes="prompt--answer", markup=False)

    @property
    def asking(self) -> bool:
        return self.has_class("-asking")

    def ask(self, kind: str, label: str, text: str, placeholder: str) -> None:
        """Show the question and give it the keys."""
        self.kind = kind
        self.query_one(".prompt--label", Static).update(Text(label))
        field = self.query_one(Input)
        field.placeholder = placeholder
        with self.prevent(Input.Changed):
            field.value = text
        field.cursor_position = len(text)
        self.answer("")
        self.add_class("-asking")
        # At once: Widget.focus() waits for the next message, and what was typed on meanwhile would go to the table.
        self.screen.set_focus(field)

    def answer(self, text: str, *, wrong: bool = False) -> None:
        """Say something about what was typed."""
        shown = self.query_one(".prompt--answer", Static)
        shown.update(Text(text))
        shown.set_class(wrong, "-wrong")

    def refuse(self, error: MechaMapError) -> None:
        """Say what is wrong, in one line: where in the expression, without repeating the expression."""
        problem = error.message
        if isinstance(error, QueryError) and error.position is not None:
            problem = f"character {error.position + 1}: {error.problem}"
        self.answer(f"{problem} {hint_text(error.hint)}".strip(), wrong=True)

    def close(self) -> None:
        self._stop()
        self.remove_class("-asking")

    def action_leave(self) -> None:
        self.close()
        self.post_message(self.Left(self.kind))

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self._stop()
        self._resting = self.set_timer(REST, lambda: self._typed(event.value))

    def _typed(self, text: str) -> None:
        self._resting = None
        self.post_message(self.Typed(self.kind, text))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self._stop()
        self.post_message(self.Submitted(self.kind, event.value))

    def _stop(self) -> None:
        if self._resting is not None:
            self._resting.stop()
            self._resting = None
