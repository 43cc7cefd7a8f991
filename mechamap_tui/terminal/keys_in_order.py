"""Keys and clicks act on what they were meant for, also when many arrive at once, as over a slow line."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any, TypeAlias

from textual import events
from textual.app import App
from textual.errors import NoWidget
from textual.message_pump import MessagePump

from mechamap_tui.terminal.textual_internals import above

__all__ = ["KeysInOrder"]


LAPS = 2  # behind a key: its effect on the app, and the messages that followed from it
LONGEST = 2.0  # seconds after which the next key is no longer kept waiting

UserInput: TypeAlias = events.Key | events.Paste | events.MouseEvent


class KeysInOrder(App[None]):
    """An app that handles a key, a click or a paste when what the one before it did is done.

    Textual sends each to what has the focus, or is under the mouse, when it comes. It goes up from there, and a binding
    is found when it arrives at the app; by then a letter pressed after it may already stand in a field, or have been
    sent to what the key before it has covered with a dialog. Here a marker follows each on its way, and lets the next
    one start.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._ahead: deque[UserInput] = deque()
        self._number = 0  # of the key on its way
        self._on_its_way = False
        self._longest: asyncio.TimerHandle | None = None

    async def on_event(self, event: events.Event) -> None:
        if not isinstance(event, UserInput) or event.is_forwarded:
            await super().on_event(event)
        elif self._on_its_way:
            self._ahead.append(event)
        else:
            await self._send(event)

    async def _send(self, event: UserInput) -> None:
        if isinstance(event, events.MouseMove):  # kept in order, but there are many, and nothing has to wait for one
            await super().on_event(event)
            return
        self._on_its_way = True
        self._number += 1
        target = self._target(event)
        loop = asyncio.get_running_loop()
        self._longest = loop.call_later(LONGEST, self.call_later, self._arrived, self._number)
        await super().on_event(event)
        self._climb(target, target, 1, self._number)

    def _target(self, event: UserInput) -> MessagePump:
        """Where it goes first."""
        if not isinstance(event, events.MouseEvent):
            return self.focused or self.screen
        try:
            return self.mouse_captured or self.get_widget_at(event.x, event.y)[0]
        except NoWidget:
            return self.screen

    def _climb(self, start: MessagePump, node: MessagePump | None, lap: int, number: int) -> None:
        """Follow a key's route, from its first target up to the app, behind everything queued there."""
        while node is not None and node is not self:
            if node.call_later(self._climb, start, above(node), lap, number):
                return
            node = above(node)  # it is gone: the key has closed it
        if lap < LAPS:
            self.call_later(self._climb, start, start, lap + 1, number)
        else:
            self.call_later(self._look_at_screen, number)

    def _look_at_screen(self, number: int) -> None:
        """Let a newly opened screen take the focus first."""
        if not self.screen_stack or not self.screen.call_later(self.call_later, self._arrived, number):
            self.call_later(self._arrived, number)

    async def _arrived(self, number: int) -> None:
        if number != self._number or not self._on_its_way:
            return
        if self._longest is not None:
            self._longest.cancel()
        self._on_its_way = False
        while self._ahead and not self._on_its_way:
            await self._send(self._ahead.popleft())
