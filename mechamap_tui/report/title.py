"""The first line of a report's screen: what it is about, how many remarks there are, and what is being done."""

from __future__ import annotations

from rich.text import Text
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Static

from mechamap.wording.amounts import quantity
from mechamap_tui.terminal.terminal_text import clean
from mechamap_tui.widgets.progress import ScanProgress

__all__ = ["ReportTitle"]


class ReportTitle(Horizontal):
    """The report's title, cut where it is long, and beside it what qualifies it and what the engine is doing."""

    DEFAULT_CSS = """
    ReportTitle {
        height: 1; background: $panel; padding: 0 1;
        & > #what { width: 1fr; height: 1; text-wrap: nowrap; text-overflow: ellipsis; }
        & > #remarks { width: auto; height: 1; margin: 0 0 0 1; color: $text-warning; }
        & > #busy { width: auto; height: 1; margin: 0 0 0 2; color: $text-accent; }
    }
    """

    def __init__(self) -> None:
        self._what, self._remarks, self._busy = Static(id="what"), Static(id="remarks"), Static(id="busy")
        super().__init__(self._what, self._remarks, self._busy, ScanProgress())

    def show(self, title: str, remarks: int) -> None:
        self._what.update(Content.styled("MechaMap  ", "bold") + Content(clean(title)))
        self._remarks.update(f"· {quantity(remarks, 'remark')} (i)" if remarks else "")

    def show_busy(self, text: str) -> None:
        self._busy.update(Text(text))
