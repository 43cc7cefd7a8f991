"""Progress as lines of their own, since a line that is rewritten in place is read out anew with every change."""

from __future__ import annotations

import time
from typing import TextIO

from mechamap.cli.narration import Narration

__all__ = ["LineNarration"]

_SECONDS = 5.0  # between two lines about progress


class LineNarration(Narration):
    """Writes nothing that moves a cursor; of what is rewritten elsewhere, a line every few seconds."""

    def __init__(self, stream: TextIO | None = None) -> None:
        super().__init__(stream)
        self.live = False
        self._last = ""
        self._told = time.monotonic()

    def progress(self, text: str) -> None:
        now = time.monotonic()
        if text != self._last and now - self._told >= _SECONDS:
            self._last, self._told = text, now
            self.say(text)

    def begin(self) -> None:
        """A command begins, whose first progress is told only when it takes a while."""
        self._last, self._told = "", time.monotonic()
