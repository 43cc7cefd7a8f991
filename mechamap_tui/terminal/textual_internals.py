"""What the explorer uses of Textual that is not public: whether a node is being removed, and how an app ends."""

from __future__ import annotations

from rich.text import Text
from textual.app import App
from textual.dom import DOMNode
from textual.message_pump import MessagePump
from textual.worker import WorkerFailed

__all__ = ["MortalApp", "above", "is_leaving"]


def is_leaving(node: DOMNode) -> bool:
    """Whether a screen or a widget is being removed: its parts may be gone before it is."""
    return node._pruning


def above(node: MessagePump) -> MessagePump | None:
    """Where the messages of a node go up to; still known when the node is gone."""
    return node._parent


class MortalApp(App[None]):
    """An app that decides itself what is shown of a failure.

    Textual would print a traceback with local variables over the user's terminal.
    """

    def worker_failed(self, error: WorkerFailed) -> None:
        """Show what went wrong in a worker; the app lives on."""
        raise NotImplementedError

    def last_words(self, error: Exception) -> str:
        """What is printed when the app ends on account of an error: a widget that failed is dead."""
        raise NotImplementedError

    def _handle_exception(self, error: Exception) -> None:
        if isinstance(error, WorkerFailed):
            if self._running and not self._exit:  # else it failed because the app around it was being closed
                self.worker_failed(error)
            return
        words = self.last_words(error)
        if self._exception is None:
            self._exception = error
            self._exception_event.set()
            self._exit_renderables.append(Text(words))
        self._return_code = 1
        self._close_messages_no_wait()
