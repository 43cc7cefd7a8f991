"""What stands on the screen in the place of a widget that failed."""

from __future__ import annotations

from textual.content import Content
from textual.widgets import Static

from mechamap_tui.terminal.terminal_text import clean

__all__ = ["FailedPart"]


class FailedPart(Static):
    """A line in the place of a widget.

    Args:
        line: what it says.
        framed: whether the widget was a pane, with a border.
    """

    DEFAULT_CSS = """
    FailedPart { color: $text-warning; background: $background; }
    FailedPart.-framed { border: round $foreground 30%; padding: 0 1; }
    """

    def __init__(self, line: str, *, framed: bool) -> None:
        super().__init__(Content(clean(line)), classes="-framed" if framed else None)
