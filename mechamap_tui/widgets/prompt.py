"""A one-line question at the bottom of the screen, checked while it is typed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import Screen
from textual.timer import Timer
from textual.widgets import Input, Static

from mechamap.errors import MechaMapError, QueryError
from mechamap_tui.data.advice_text import hint_text
from mechamap_tui.widgets.key_footer import KeyFooter

__all__ = ["Prompt", "Question"]


REST = 0.12  # seconds without a key after which what was typed is checked


def _nothing() -> None:
    pass


@dataclass(frozen=True, slots=True)
class Question:
    """A question, and what an answer does.

    Attributes:
        label, text, placeholder: what stands before the input, in it, and in it while it is empty.
        meaning: what a typed text would do, in words; raises MechaMapError where it makes no sense.
        answered: does it, once the prompt is closed.
        left: called where the question is left without an answer.
        hint: what stands under the input before anything is typed.
    """

    label: str
    text: str
    placeholder: str
    meaning: Callable[[str], str]
    answered: Callable[[str], None]
    left: Callable[[], None] = _nothing
    hint: str = ""


class Prompt(Vertical):
    """Hidden until it asks; what the typed text would do is shown under the input.

    Args:
        screen: the one at whose bottom it asks.
        to_rest: restores the focus when a question ends.
    """

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

    def __init__(self, screen: Screen[Any], to_rest: Callable[[], object]) -> None:
        super().__init__(id="prompt")
        self._screen, self._to_rest = screen, to_rest
        self._question: Question | None = None
        self._resting: Timer | None = None

    def compose(self) -> ComposeResult:
        with Horizontal():
            yield Static(classes="prompt--label")
            yield Input(compact=True, select_on_focus=False)
        yield Static(classes="prompt--answer", markup=False)

    @property
    def asking(self) -> bool:
        return self.has_class("-asking")

    async def ask(self, question: Question) -> None:
        """Show a question and focus it; its widgets are made when first needed."""
        if not self.is_attached:
            await self._screen.mount(self, before=self._screen.query_one(KeyFooter))
        self._question = question
        self.query_one(".prompt--label", Static).update(Text(question.label))
        field = self.query_one(Input)
        field.placeholder = question.placeholder
        with self.prevent(Input.Changed):
            field.value = question.text
        field.cursor_position = len(question.text)
        self.answer(question.hint)
        self.add_class("-asking")
        # At once: Widget.focus() waits for the next message, and what was typed on meanwhile would go to the table.
        self._screen.set_focus(field)

    def answer(self, text: str, *, wrong: bool = False) -> None:
        """Show a line about what was typed."""
        shown = self.query_one(".prompt--answer", Static)
        shown.update(Text(text))
        shown.set_class(wrong, "-wrong")

    def _understood(self, text: str) -> bool:
        """Show what a typed text would do, or in one line what is wrong with it, without repeating the expression."""
        if self._question is None:
            return False
        try:
            self.answer(self._question.meaning(text))
        except MechaMapError as error:
            problem = error.message
            if isinstance(error, QueryError) and error.position is not None:
                problem = f"character {error.position + 1}: {error.problem}"
            self.answer(f"{problem} {hint_text(error.hint)}".strip(), wrong=True)
            return False
        return True

    def _close(self) -> None:
        self._stop()
        self.remove_class("-asking")

    def action_leave(self) -> None:
        self._close()
        if self._question is not None:
            self._question.left()
        self._to_rest()

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self._stop()
        self._resting = self.set_timer(REST, lambda: self._typed(event.value))

    def _typed(self, text: str) -> None:
        self._resting = None
        self._understood(text)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self._stop()
        question = self._question
        if question is not None and self._understood(event.value):
            self._close()
            self._to_rest()
            question.answered(event.value)

    def _stop(self) -> None:
        if self._resting is not None:
            self._resting.stop()
            self._resting = None
