"""The panel of the tour: a few lines below whatever screen is shown, which take no keys."""

from __future__ import annotations

from rich.text import Text
from textual.widgets import Static

__all__ = ["TourPanel"]

LEAST_ROWS = 20  # of the terminal, below which the panel would leave too little of the screen


class TourPanel(Static):
    """Shows a step; a screen has one as long as the tour goes on."""

    can_focus = False

    DEFAULT_CSS = """
    TourPanel {
        split: bottom; height: auto; max-height: 7; width: 100%; padding: 0 1;
        background: $panel; border-top: solid $accent; border-title-color: $accent; border-title-style: bold;
    }
    """

    def show(self, title: str, text: Text) -> None:
        """Write a step into it."""
        self.border_title = title
        self.update(text)

    def on_mount(self) -> None:
        self._fit()

    def on_resize(self) -> None:
        self._fit()

    def _fit(self) -> None:
        self.display = self.app.size.height >= LEAST_ROWS
