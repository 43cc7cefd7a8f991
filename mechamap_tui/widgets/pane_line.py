"""The names of the panes, where only one of them fits; a click goes there."""

from __future__ import annotations

from textual.content import Content
from textual.style import Style
from textual.widgets import Static

__all__ = ["PANES", "PaneLine"]

PANES = ("layers", "neurons", "detail", "categories")


class PaneLine(Static):
    """``1 layers  2 neurons  3 detail  4 categories``, the one on the screen marked."""

    ALLOW_SELECT = False

    DEFAULT_CSS = """
    PaneLine { height: 1; padding: 0 1; }
    """

    def show(self, pane: str) -> None:
        parts: list[tuple[str, Style]] = []
        for number, name in enumerate(PANES, start=1):
            style = Style.from_meta({"@click": f"screen.pane({number})"})
            style += Style(bold=True, reverse=True) if name == pane else Style()
            parts += [(f" {number} {name} ", style), (" ", Style())]
        self.update(Content.assemble(*parts))
