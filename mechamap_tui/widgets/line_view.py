"""A pane of lines laid out for its width, of which only those in view are drawn."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

from rich.style import Style
from rich.text import Text
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

__all__ = ["LineView"]


class LineView(ScrollView, can_focus=True, inherit_bindings=False):
    """Scrolls through lines that a subclass makes in :meth:`measure` and :meth:`line`."""

    ALLOW_SELECT = False

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,j", "scroll_lines(1)", "down", show=False),
        Binding("up,k", "scroll_lines(-1)", "up", show=False),
        Binding("pagedown,ctrl+d,space", "scroll_pages(1)", "page down", show=False),
        Binding("pageup,ctrl+u", "scroll_pages(-1)", "page up", show=False),
        Binding("g,home", "scroll_to_end(False)", "start", show=False),
        Binding("G,end", "scroll_to_end(True)", "end", show=False),
    ]

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "lines--title",
        "lines--dim",
        "lines--strong",
        "lines--falling",
        "lines--rising",
        "lines--cursor",
    }

    DEFAULT_CSS = """
    LineView {
        scrollbar-size-vertical: 1; scrollbar-gutter: stable; overflow-x: hidden;
        .lines--title { color: $foreground 80%; text-style: bold; }
        .lines--dim { color: $foreground 65%; }
        .lines--strong { text-style: bold; }
        .lines--falling { color: $text-warning; }
        .lines--rising { color: $text-primary; }
        .lines--cursor { background: $block-cursor-blurred-background; text-style: bold; }
        &:focus .lines--cursor { background: $block-cursor-background; color: $block-cursor-foreground; }
    }
    """

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._drawn: dict[int, Strip] = {}
        self._made_for = -1

    @abstractmethod
    def measure(self, width: int) -> int:
        """Make the lines for a width; how many there are."""

    @abstractmethod
    def line(self, index: int, width: int) -> Text:
        """One line."""

    def renew(self, *, keep_scroll: bool = False) -> None:
        """Lay out and redraw all lines, as their content has changed."""
        self._made_for = -1
        if not keep_scroll:
            self.scroll_to(y=0, animate=False)
        self._make()
        self.refresh()

    def look(self, name: str) -> Style:
        """One of the view's styles."""
        return self.get_component_rich_style(f"lines--{name}")

    def line_at(self, event: events.MouseEvent) -> int | None:
        """The line under the mouse."""
        offset = event.get_content_offset(self)
        return None if offset is None else offset.y + self.scroll_offset.y

    def _make(self) -> None:
        width = self.scrollable_content_region.width
        self._drawn.clear()
        if not width:
            return
        if width != self._made_for:
            self._made_for = width
            self.virtual_size = Size(width, self.measure(width))

    def on_resize(self) -> None:
        self._make()
        self.refresh()  # where it was renewed while it was hidden, nothing else says that it has changed

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._drawn.clear()

    def render_line(self, y: int) -> Strip:
        width = self.scrollable_content_region.width
        index = self.scroll_offset.y + y
        if index >= self.virtual_size.height or self._made_for < 0:
            return Strip.blank(width, self.rich_style)
        strip = self._drawn.get(index)
        if strip is None:
            text = self.line(index, self._made_for)
            segments = list(text.render(self.app.console, end=""))
            strip = Strip(segments).apply_style(self.rich_style).adjust_cell_length(width, self.rich_style)
            self._drawn[index] = strip
        return strip

    def action_scroll_lines(self, lines: int) -> None:
        self.scroll_to(y=self.scroll_offset.y + lines, animate=False)

    def action_scroll_to_end(self, last: bool) -> None:
        self.scroll_to(y=self.virtual_size.height if last else 0, animate=False)

    def action_scroll_pages(self, pages: int) -> None:
        step = max(self.scrollable_content_region.height - 1, 1)
        self.scroll_to(y=self.scroll_offset.y + pages * step, animate=False)
