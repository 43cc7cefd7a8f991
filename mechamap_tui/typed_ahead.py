"""Keys that come in one go with the one that opens a prompt are typed into the prompt."""

from __future__ import annotations

from typing import Any
from weakref import WeakKeyDictionary

from textual import events
from textual.app import App
from textual.widget import Widget

__all__ = ["TypedAhead"]


class TypedAhead(App[None]):
    """An app in which nothing is lost of what is typed faster than a prompt opens, as over a slow line.

    Textual sends a key to what has the focus when it comes. Keys that came before the prompt had it come back
    unhandled from there, and are given to the prompt then.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._sent_to: WeakKeyDictionary[events.Key, Widget | None] = WeakKeyDictionary()

    async def on_event(self, event: events.Event) -> None:
        if isinstance(event, events.Key):
            focused = self.focused
            if not event.is_forwarded:
                self._sent_to[event] = focused
            elif focused is not None and self._sent_to.get(event) is not focused and _takes_text(focused):
                again = events.Key(event.key, event.character)
                self._sent_to[again] = focused
                focused._forward_event(again)
                return
        await super().on_event(event)


def _takes_text(widget: Widget) -> bool:
    """Whether a letter typed into it is text."""
    return widget.check_consume_key("a", "a")
