"""What the explorer uses of Textual that is not public.

Whether a node is being removed, which part of the screen an exception belongs to, how a part is covered, and how an app
ends.
"""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum
from typing import NamedTuple

from rich.text import Text
from textual import events
from textual._context import active_message_pump
from textual.app import App
from textual.dom import DOMNode
from textual.message import Message
from textual.message_pump import MessagePump
from textual.screen import Screen
from textual.strip import Strip
from textual.widget import Widget
from textual.worker import WorkerFailed

__all__ = ["Blame", "MortalApp", "Stage", "above", "alone", "cover", "holds_panes", "is_leaving"]


def is_leaving(node: DOMNode) -> bool:
    """Whether a screen or a widget is being removed: its parts may be gone before it is."""
    return node._pruning


def above(node: MessagePump) -> MessagePump | None:
    """Where the messages of a node go up to; still known when the node is gone."""
    return node._parent


def cover(part: Widget, sheet: Widget, *, measured: bool = True) -> None:
    """Show ``sheet`` in the place of a part and of all within it, which get no keys and clicks any more.

    The part stays where it is: what holds it can still call it, hide it and remove it.

    Args:
        measured: whether the part is still asked how large its content is.
    """
    part.disabled = True
    for timer in list(part._timers):
        timer.stop()
    if not measured:
        part.get_content_width = lambda container, viewport: container.width  # type: ignore[method-assign]
        part.get_content_height = lambda container, viewport, width: 1  # type: ignore[method-assign]
    part.render_lines = lambda crop: [Strip.blank(crop.width)] * crop.height  # type: ignore[method-assign]  # till then
    part._cover(sheet)
    part.screen.refresh(layout=True)


class Stage(Enum):
    """What was being done when something failed."""

    COMPOSE = "composing"
    LAYOUT = "laying out"
    PAINT = "painting"
    HANDLE = "in a handler or a timer of"


class Blame(NamedTuple):
    """Where an exception came from.

    Attributes:
        node: the part of the screen, a screen or the app.
        stage: what was being done.
    """

    node: MessagePump
    stage: Stage


class MortalApp(App[None]):
    """An app that decides itself what becomes of a failure, and in which other widgets go on when one fails.

    Textual would end, and print a traceback with local variables over the user's terminal.
    """

    def worker_failed(self, error: WorkerFailed) -> None:
        """Show what went wrong in a worker; the app lives on."""
        raise NotImplementedError

    def part_failed(self, blame: Blame, error: Exception) -> bool:
        """Show what went wrong in a part of the screen; False where the app cannot go on."""
        raise NotImplementedError

    def last_words(self, error: Exception) -> str:
        """What is printed when the app ends on account of an error."""
        raise NotImplementedError

    # --- messages: a node whose handler fails goes on with the next message ----------------------------------

    def added(self, node: Widget) -> None:
        """Called with each widget and screen before it gets its first message."""

    def _register_child(self, parent: DOMNode, child: Widget, before: int | None, after: int | None) -> None:
        self._guard(child)
        super()._register_child(parent, child, before, after)

    def _start_widget(self, parent: Widget, widget: Widget) -> None:
        self._guard(widget)
        super()._start_widget(parent, widget)

    def _guard(self, node: Widget) -> None:
        """Have a widget's failures handled here before they end the loop that gives it its messages."""
        if "_dispatch_message" in vars(node):  # it is mounted again
            return
        self.added(node)
        dispatch, flush = node._dispatch_message, node._flush_next_callbacks

        async def guarded(message: Message) -> None:
            try:
                await dispatch(message)
            except Exception as error:
                self._handle_exception(error)

        async def one_by_one() -> None:  # Textual drops the callbacks behind one that fails, timers' among them
            later: list[events.Callback] = []
            if len(node._next_callbacks) > 1:
                for callback in list(node._next_callbacks):
                    node._next_callbacks = [callback]
                    await flush()
                    later += node._next_callbacks
                node._next_callbacks = later
            else:
                await flush()

        node._dispatch_message = guarded  # type: ignore[method-assign]
        node._flush_next_callbacks = one_by_one  # type: ignore[method-assign]

    async def _dispatch_message(self, message: Message) -> None:
        try:
            await super()._dispatch_message(message)
        except Exception as error:
            if not self._is_mounted:  # there is nothing yet that could go on
                raise
            self._handle_exception(error)

    # --- failures --------------------------------------------------------------------------------------------

    def _handle_exception(self, error: Exception) -> None:
        if isinstance(error, WorkerFailed):
            if self._running and not self._exit:  # else it failed because the app around it was being closed
                self.worker_failed(error)
            return
        trace = error.__traceback__
        if trace is not None and trace.tb_frame.f_code.co_name == "_process_messages":  # the app's own, which is over
            self._end(error)
        else:
            self.fail(self.blame(error), error)

    def fail(self, blame: Blame, error: Exception) -> None:
        """Have a failure shown where it belongs; end where that cannot be."""
        if self._running and not self._exit and self._exception is None:
            try:
                if self.part_failed(blame, error):
                    return
            except Exception as failure:  # in what should have shown the other
                error = failure
        self._end(error)

    def _end(self, error: Exception) -> None:
        words = self.last_words(error)
        if self._exception is None:
            self._exception = error
            self._exception_event.set()
            self._exit_renderables.append(Text(words))
        self._return_code = 1
        self._close_messages_no_wait()

    def blame(self, error: Exception) -> Blame:
        """The part of the screen that an exception belongs to, by the methods that it came through.

        What is painted or composed is to blame itself. Of a handler or a timer it is the first part on the way that
        holds no panes: whatever it was about to do is left half done, so that it may show what is no longer so.
        """
        frames = traceback.walk_tb(error.__traceback__)
        calls = [(frame.f_code.co_name, frame.f_locals.get("self")) for frame, _ in frames]
        for stage, method in ((Stage.PAINT, "render_lines"), (Stage.COMPOSE, "_compose")):
            for name, node in calls:
                if name == method and isinstance(node, Widget):
                    return Blame(node, stage)
        nodes = [node for _, node in calls if isinstance(node, Widget) and node in self._registry]
        parts = [node for node in nodes if not isinstance(node, Screen)]
        if nodes and any(name == "_refresh_layout" for name, _ in calls):
            return Blame((parts or nodes)[-1], Stage.LAYOUT)
        first = next((node for node in parts if not holds_panes(node)), None)
        return Blame(first or (nodes[0] if nodes else active_message_pump.get(self)), Stage.HANDLE)


def holds_panes(node: DOMNode) -> bool:
    """Whether a container has panes in it, which do not fail with it."""
    return any(child.has_class("pane") for child in node.walk_children())


@contextmanager
def alone(part: Widget) -> Iterator[None]:
    """Around what is done to one part of several: if it fails, that part says so, and what comes behind is done."""
    try:
        yield
    except Exception as error:
        if not isinstance(part.app, MortalApp):
            raise
        part.app.fail(Blame(part, Stage.HANDLE), error)
