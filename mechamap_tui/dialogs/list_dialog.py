"""A dialog with a list, a line under the cursor, and keys that do something with it."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import ClassVar, TypeVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.geometry import Region
from textual.screen import ModalScreen
from textual.widgets import Static

from mechamap_tui.terminal.terminal_text import clean
from mechamap_tui.widgets.glyphs import CURSOR

__all__ = ["ListDialog"]

Outcome = TypeVar("Outcome")


class ListDialog(ModalScreen[Outcome | None]):
    """A list; a subclass says what its lines are and what its keys do.

    Args:
        title: of the dialog.
        keys: what the keys do, in its lower border.

    Attributes:
        cursor: the line under the cursor.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,ctrl+g", "leave", "leave"),
        Binding("down,j", "move(1)", "down", show=False),
        Binding("up,k", "move(-1)", "up", show=False),
        Binding("g,home", "move(-1000000)", "first", show=False),
        Binding("G,end", "move(1000000)", "last", show=False),
    ]

    DEFAULT_CSS = """
    ListDialog { align: center middle; }
    ListDialog VerticalScroll { height: auto; max-height: 100%; }
    ListDialog #list { height: auto; text-wrap: nowrap; text-overflow: ellipsis; }
    ListDialog #about { height: auto; margin-top: 1; color: $text-muted; }
    """

    def __init__(self, title: str, keys: str) -> None:
        super().__init__()
        self.title, self.keys = title, keys
        self.cursor = 0

    @property
    @abstractmethod
    def lines(self) -> Sequence[str]:
        """The text of each line."""

    @property
    def about(self) -> str:
        """What is said below about the line under the cursor; may be empty."""
        return ""

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog -wide") as dialog:
            dialog.border_title, dialog.border_subtitle = clean(self.title or ""), self.keys
            with VerticalScroll():
                yield Static(id="list")
            yield Static(id="about", markup=False)

    def on_mount(self) -> None:
        self.show_lines()

    def show_lines(self) -> None:
        """Show the lines as they are now."""
        lines = self.lines
        self.cursor = min(max(self.cursor, 0), len(lines) - 1)
        text = Text("\n").join(
            Text(f"{CURSOR if number == self.cursor else ' '} {clean(line)}", _look(number == self.cursor))
            for number, line in enumerate(lines)
        )
        self.query_one("#list", Static).update(text)
        about = self.query_one("#about", Static)
        about.display = bool(self.about)
        about.update(Text(clean(self.about)))
        self.query_one(VerticalScroll).scroll_to_region(Region(0, self.cursor, 1, 1), animate=False)

    def action_move(self, steps: int) -> None:
        self.cursor += steps
        self.show_lines()

    def action_leave(self) -> None:
        self.dismiss(None)


def _look(under_cursor: bool) -> str:
    return "bold reverse" if under_cursor else ""
