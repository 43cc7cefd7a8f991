"""A table of which only the lines in view are drawn: a fixed header, rows, and a cell cursor."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.cache import LRUCache
from textual.geometry import Region
from textual.scroll_view import ScrollView
from textual.strip import Strip

__all__ = ["MOVE_KEYS", "LineTable"]


MOVE_KEYS: tuple[BindingType, ...] = (
    Binding("down,j", "move(1)", "down", show=False),
    Binding("up,k", "move(-1)", "up", show=False),
    Binding("pagedown,ctrl+f", "page(1.0)", "page down", show=False),
    Binding("pageup", "page(-1.0)", "page up", show=False),
    Binding("ctrl+d", "page(0.5)", "half a page down", show=False),
    Binding("ctrl+u", "page(-0.5)", "half a page up", show=False),
    Binding("g,home", "first", "first", show=False),
    Binding("G,end", "last", "last", show=False),
    Binding("left,h", "column(-1)", "column to the left", show=False),
    Binding("right,l", "column(1)", "column to the right", show=False),
)
# Laid over the style of a whole line, so that they must bring no background of their own.
_LAID_OVER = frozenset(("name", "mark"))
_KEPT = 1024  # strips


class LineTable(ScrollView, can_focus=True, inherit_bindings=False):
    """Browsed by rows and columns; a subclass draws them, and defines what opening and sorting do.

    mypy refuses one that leaves something abstract; Python does not, as Textual's widgets have their own metaclass.

    No object is kept for a row: its strips are made when they come into view, and the last ones are remembered.

    Attributes:
        cursor_index: the row under the cursor, counted from the top.
        column: the column under the cursor.
        header_lines, row_lines: lines above the rows, and of each row.
    """

    ALLOW_SELECT = False  # a double click opens a row

    BINDINGS: ClassVar[list[BindingType]] = [*MOVE_KEYS]

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "table--header",
        "table--header-cursor",
        "table--row",
        "table--cursor",
        "table--heat-cursor",
        "table--name",
        "table--falling",
        "table--mark",
        "table--dim",
    }

    DEFAULT_CSS = """
    LineTable {
        scrollbar-size-vertical: 1; scrollbar-size-horizontal: 0; scrollbar-gutter: stable;
        .table--header { color: $foreground 70%; text-style: bold; }
        .table--header-cursor { text-style: bold underline; }
        .table--row { background: $block-cursor-blurred-background; }
        .table--cursor { background: $block-cursor-blurred-background; }
        .table--heat-cursor { background: $foreground; color: $background; text-style: bold; }
        .table--name { text-style: bold; }
        .table--falling { color: $text-warning; }
        .table--mark { color: $text-success; text-style: bold; }
        .table--dim { color: $foreground 60%; }
        &:focus .table--header-cursor { text-style: bold reverse; }
        &:focus .table--cursor { background: $block-cursor-background; color: $block-cursor-foreground;
                                 text-style: bold; }
    }
    """

    header_lines = 1
    row_lines = 1

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.cursor_index = 0
        self.column = 0
        self._styles: dict[str, Style] = {}
        self._strips: LRUCache[tuple[int, ...], Strip] = LRUCache(_KEPT)

    # --- for subclasses --------------------------------------------------------------------------------------

    @property
    @abstractmethod
    def row_count(self) -> int:
        """How many rows there are; 0 also before anything is shown."""

    @property
    @abstractmethod
    def column_count(self) -> int:
        """How many columns there are; 0 also before anything is shown."""

    @property
    @abstractmethod
    def scrolled_columns(self) -> int:
        """How far the columns are scrolled to the left, in whatever the subclass counts."""

    @abstractmethod
    def lay_out(self) -> None:
        """Give the lines the room there is, and set ``virtual_size``."""

    @abstractmethod
    def header_strip(self, y: int) -> Strip:
        """One of the header's lines."""

    @abstractmethod
    def row_strip(self, index: int, part: int, *, under_cursor: bool) -> Strip:
        """One of a row's lines."""

    @abstractmethod
    def empty_text(self, y: int) -> str:
        """What stands in line ``y`` under the header of a table without rows."""

    @abstractmethod
    def show_column(self) -> None:
        """Scroll to the column under the cursor."""

    @abstractmethod
    def cursor_moved(self) -> None:
        """Called after the cursor was put on a row, even the one it was on."""

    @abstractmethod
    def action_open(self) -> None:
        """Open what is under the cursor."""

    @abstractmethod
    def header_clicked(self, x: int, *, shift: bool) -> None:
        """Called after a click on the header, ``x`` cells from its left."""

    def row_clicked(self, index: int, x: int) -> None:
        self.move_to(index)

    # --- moving ----------------------------------------------------------------------------------------------

    def move_to(self, index: int) -> None:
        """Put the cursor on a row, or on the nearest existing one."""
        if not self.row_count:
            return
        before, self.cursor_index = self.cursor_index, min(max(index, 0), self.row_count - 1)
        self.show_cursor()
        for changed in {before, self.cursor_index}:
            top = changed * self.row_lines - self.scroll_offset.y + self.header_lines
            self.refresh(Region(0, top, self.size.width, self.row_lines))
        self.cursor_moved()

    def show_cursor(self) -> None:
        """Scroll to the row under the cursor."""
        start, top = self.cursor_index * self.row_lines, self.scroll_offset.y
        room = max(self.scrollable_content_region.height - self.header_lines, self.row_lines)
        if start < top:
            self.scroll_to(y=start, animate=False)
        elif start + self.row_lines > top + room:
            self.scroll_to(y=start + self.row_lines - room, animate=False)

    @property
    def page(self) -> int:
        """Rows that are seen at once."""
        return max((self.scrollable_content_region.height - self.header_lines) // self.row_lines, 1)

    def action_move(self, rows: int) -> None:
        self.move_to(self.cursor_index + rows)

    def action_page(self, pages: float) -> None:
        self.move_to(self.cursor_index + round(pages * self.page))

    def action_first(self) -> None:
        self.move_to(0)

    def action_last(self) -> None:
        self.move_to(self.row_count - 1)

    def action_column(self, columns: int) -> None:
        if self.column_count:
            self.column = min(max(self.column + columns, 0), self.column_count - 1)
            self.show_column()
            self.refresh()

    def on_click(self, event: events.Click) -> None:
        offset = event.get_content_offset(self)
        if offset is None:
            return
        if offset.y < self.header_lines:
            self.header_clicked(offset.x, shift=event.shift)
            return
        index = (self.scroll_offset.y + offset.y - self.header_lines) // self.row_lines
        if index < self.row_count:
            self.row_clicked(index, offset.x)
            if event.chain == 2:
                self.action_open()

    # --- drawing ---------------------------------------------------------------------------------------------

    def render_line(self, y: int) -> Strip:
        width = self.scrollable_content_region.width
        if not width or not self.column_count:
            return Strip.blank(width, self.rich_style)
        if y < self.header_lines:
            return self.header_strip(y)
        index, part = divmod(self.scroll_offset.y + y - self.header_lines, self.row_lines)
        if index >= self.row_count:
            text = self.empty_text(y - self.header_lines) if not self.row_count else ""
            return Strip([Segment(text, self.look("dim"))]).adjust_cell_length(width, self.rich_style)
        under_cursor = index == self.cursor_index
        key = (index, part, self.column if under_cursor else -1, self.scrolled_columns)
        strip = self._strips.get(key)
        if strip is None:
            strip = self._strips[key] = self.row_strip(index, part, under_cursor=under_cursor)
        return strip

    def look(self, name: str) -> Style:
        """One of the table's styles; ``base`` is that of a line without any."""
        style = self._styles.get(name)
        if style is None:
            style = self.rich_style
            if name != "base":
                style = self.get_component_rich_style(f"table--{name}", partial=name in _LAID_OVER)
            self._styles[name] = style
        return style

    def redraw(self) -> None:
        """Redraw all lines, as their content has changed."""
        self._strips.clear()
        self.refresh()

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._styles.clear()
        self._strips.clear()

    def on_resize(self) -> None:
        self.lay_out()
        self.redraw()
        self.show_cursor()
