"""A choice among a few options on one line: ``(•) csv  ( ) json  ( ) parquet``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.text import Text
from textual import events
from textual.app import RenderResult
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget

__all__ = ["Choice", "Option"]


@dataclass(frozen=True, slots=True)
class Option:
    """An option: its value, its label, and whether it is available now."""

    value: str
    label: str
    enabled: bool = True


class Choice(Widget, can_focus=True):
    """Left and right choose, a click too. The mark is a character, so that it shows without colours."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left,h", "choose(-1)", "previous choice", show=False),
        Binding("right,l,space", "choose(1)", "next choice", show=False),
    ]

    DEFAULT_CSS = """
    Choice { height: 1; width: 1fr; &:focus { background: $boost; text-style: bold; } }
    """

    value: reactive[str] = reactive("", init=False)

    @dataclass
    class Changed(Message):
        """Another option was chosen."""

        choice: Choice
        value: str

        @property
        def control(self) -> Choice:
            return self.choice

    def __init__(self, options: Sequence[Option], value: str, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.options = tuple(options)
        self.set_reactive(Choice.value, value)

    def render(self) -> RenderResult:
        line = Text(no_wrap=True, overflow="ellipsis")
        for option in self.options:
            mark = "(•)" if option.value == self.value else "( )"
            line.append(f"{mark} {option.label}   ", "" if option.enabled else "dim strike")
        return line

    def watch_value(self, value: str) -> None:
        self.post_message(self.Changed(self, value))

    def action_choose(self, step: int) -> None:
        """The next available option, cyclically."""
        enabled = [option.value for option in self.options if option.enabled]
        if self.value in enabled:
            self.value = enabled[(enabled.index(self.value) + step) % len(enabled)]

    def on_click(self, event: events.Click) -> None:
        start = 0
        for option in self.options:
            end = start + len(option.label) + 7
            if start <= event.x < end and option.enabled:
                self.value = option.value
            start = end
