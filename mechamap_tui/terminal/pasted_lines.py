"""What is pasted into a field of one line: all of it, its line ends as blanks.

Textual's ``Input`` keeps the first line of a paste and drops the rest without a word, and takes line ends from its own
clipboard as they are. Both are changed here for every such field, those of Textual's own screens included.
"""

from __future__ import annotations

import re

from textual import events
from textual.app import App
from textual.events import Event
from textual.widgets import Input

__all__ = ["PastedLines", "on_one_line"]


_LINE_ENDS = "\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029"  # those of str.splitlines
_LINE_END = re.compile(f"[{_LINE_ENDS}\t]+")
_INVISIBLE = re.compile("[\x00-\x1f\x7f-\x9f\ufeff]")


def on_one_line(text: str) -> str:
    """A text as a field of one line takes it.

    A run of line ends and tabs becomes a blank; line ends around the whole text are dropped. So are other control
    characters, and the byte order mark that some editors copy.
    """
    return _INVISIBLE.sub("", _LINE_END.sub(" ", text.strip(f"{_LINE_ENDS}\ufeff")))


class PastedLines(App[None]):
    """An app whose fields of one line take a paste of several."""

    async def on_event(self, event: Event) -> None:
        if isinstance(event, events.Paste) and not event.is_forwarded and isinstance(self.focused, Input):
            event = events.Paste(on_one_line(event.text))
        await super().on_event(event)

    @property
    def clipboard(self) -> str:
        """What was copied in the explorer; Textual's fields paste it with ctrl+v."""
        return on_one_line(super().clipboard) if isinstance(self.focused, Input) else super().clipboard
