"""A report's table, its cursor a cell: as numbers or as a heat map, only the lines that can be seen are drawn."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.cache import LRUCache
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from mechamap.tables.numbers import is_number
from mechamap.tables.table import Table
from mechamap_tui.report.cell_layout import GAP, CellLayout, heat_layout, number_layout
from mechamap_tui.report.cell_lines import CellLines
from mechamap_tui.report.cell_text import cell_text
from mechamap_tui.report.heat_map import HeatMap
from mechamap_tui.report.view import CellPlace, row_order

__all__ = ["ReportTable"]


class ReportTable(ScrollView, can_focus=True, inherit_bindings=False):
    """Moved through cell by cell; the header and the first column stay where they are."""

    ALLOW_SELECT = False  # a double click opens a cell

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open", "neurons"),
        Binding("s", "sort", "sort", show=False),
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
    ]

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "cells--header", "cells--header-cursor", "cells--row", "cells--cursor", "cells--heat-cursor",
        "cells--name", "cells--falling", "cells--dim",
    }  # fmt: skip

    DEFAULT_CSS = """
    ReportTable {
        scrollbar-size-vertical: 1; scrollbar-size-horizontal: 0; scrollbar-gutter: stable; overflow-x: hidden;
        .cells--header { color: $foreground 70%; text-style: bold; }
        .cells--header-cursor { text-style: bold underline; }
        .cells--row { background: $block-cursor-blurred-background; }
        .cells--cursor { background: $block-cursor-blurred-background; text-style: bold underline; }
        .cells--heat-cursor { background: $foreground; color: $background; text-style: bold; }
        .cells--name { text-style: bold; }
        .cells--falling { color: $text-warning; }
        .cells--dim { color: $foreground 60%; }
        &:focus .cells--header-cursor { text-style: bold reverse; }
        &:focus .cells--cursor { background: $block-cursor-background; color: $block-cursor-foreground;
                                 text-style: bold; }
    }
    """

    @dataclass
    class CellHighlighted(Message):
        """The cursor stands on another cell, or on one of another table."""

        place: CellPlace

    @dataclass
    class CellOpened(Message):
        """The neurons behind a cell were asked for."""

        place: CellPlace

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.table: Table | None = None
        self.place = CellPlace()
        self.order: list[int] = []  # the table's rows, top to bottom
        self._heat = False
        self._lines: CellLines | None = None
        self._styles: dict[str, Style] = {}
        self._strips: LRUCache[tuple[object, ...], Strip] = LRUCache(512)

    # --- what is asked of it ---------------------------------------------------------------------------------

    def show(self, table: Table, place: CellPlace, *, heat: bool = False) -> None:
        """Show a table with the cursor where it was left; as a ``heat`` map where it can be drawn so."""
        self.table, self._heat = table, heat
        self.order = row_order(table, place.sort)
        row = min(place.row, max(len(table.rows) - 1, 0))
        self.place = replace(place, row=row, column=min(place.column, len(table.columns) - 1))
        self._fit()
        self.scroll_to(y=place.top, animate=False)
        self._show_cursor()
        self.post_message(self.CellHighlighted(self.place))

    @property
    def drawn_as_heat(self) -> bool:
        """Whether it is a heat map now."""
        return self._heat and self.table is not None and self.table.heat

    @property
    def cut_text(self) -> str:
        """The text of the cell under the cursor, where its column has no room for it."""
        table, layout, place = self.table, self._layout, self.place
        if table is None or layout is None or not table.rows or self.drawn_as_heat:
            return ""
        text = cell_text(table.rows[place.row][place.column], table.columns[place.column].kind)
        room = dict([*layout.fixed, *layout.shown(place.first)]).get(place.column, 0)
        return text if cell_len(text) > room - (GAP if place.column else 0) else ""

    @property
    def left_at(self) -> CellPlace:
        """Where the cursor is and what is seen around it, to be shown again later."""
        return replace(self.place, top=round(self.scroll_offset.y))

    # --- moving ----------------------------------------------------------------------------------------------

    def action_move(self, lines: int) -> None:
        self._go(self._line + lines)

    def action_page(self, pages: float) -> None:
        self._go(self._line + round(pages * self._page))

    def action_first(self) -> None:
        self._go(0)

    def action_last(self) -> None:
        self._go(len(self.order) - 1)

    def action_column(self, columns: int) -> None:
        if self.table is not None:
            column = min(max(self.place.column + columns, 0), len(self.table.columns) - 1)
            self._stand(replace(self.place, column=column))

    def action_open(self) -> None:
        if self.order:
            self.post_message(self.CellOpened(self.place))

    def action_sort(self) -> None:
        """Order the rows by the column under the cursor: down, up, and as they came."""
        if self.table is not None:
            self.place = self.place.sorted_next(numbers=is_number(self.table.columns[self.place.column].kind))
            self.order = row_order(self.table, self.place.sort)
            self._stand(self.place)

    @property
    def _line(self) -> int:
        """The cursor's row, counted from the top."""
        return self.order.index(self.place.row) if self.order else 0

    def _go(self, line: int) -> None:
        if self.order:
            self._stand(replace(self.place, row=self.order[min(max(line, 0), len(self.order) - 1)]))

    def _stand(self, place: CellPlace) -> None:
        self.place = place
        self._show_cursor()
        self.refresh()
        self.post_message(self.CellHighlighted(place))

    @property
    def _layout(self) -> CellLayout | None:
        return None if self._lines is None else self._lines.layout

    @property
    def _page(self) -> int:
        """Rows that are seen at once."""
        layout = self._layout
        if layout is None:
            return 1
        return max((self.scrollable_content_region.height - layout.header) // layout.tall, 1)

    def _show_cursor(self) -> None:
        layout = self._layout
        if layout is None:
            return
        first = layout.first_that_shows(self.place.column, self.place.first)
        self.place = replace(self.place, first=first)
        line, top = self._line * layout.tall, self.scroll_offset.y
        room = max(self.scrollable_content_region.height - layout.header, layout.tall)
        if line < top:
            self.scroll_to(y=line, animate=False)
        elif line + layout.tall > top + room:
            self.scroll_to(y=line + layout.tall - room, animate=False)

    def on_click(self, event: events.Click) -> None:
        offset = event.get_content_offset(self)
        layout = self._layout
        if offset is None or layout is None or not self.order:
            return
        column = layout.column_at(offset.x, self.place.first)
        if offset.y < layout.header:
            self.place = replace(self.place, column=column)
            self.action_sort()
            return
        line = (self.scroll_offset.y + offset.y - layout.header) // layout.tall
        if line < len(self.order):
            self._stand(replace(self.place, row=self.order[line], column=column))
            if event.chain == 2:
                self.action_open()

    # --- drawing ---------------------------------------------------------------------------------------------

    def render_line(self, y: int) -> Strip:
        lines = self._lines
        if lines is None:
            return Strip.blank(self.scrollable_content_region.width, self.rich_style)
        layout = lines.layout
        if y < layout.header:
            return lines.header(y, self.place)
        line, part = divmod(self.scroll_offset.y + y - layout.header, layout.tall)
        if line >= len(self.order):
            none = "  none" if not self.order and y == layout.header else ""
            return Strip([Segment(none, self._look("dim"))]).adjust_cell_length(layout.pane, self.rich_style)
        row = self.order[line]
        cursor = self.place.column if row == self.place.row else None
        key = (row, part, self.place.first, cursor)
        strip = self._strips.get(key)
        if strip is None:
            strip = self._strips[key] = lines.row(row, part, self.place.first, cursor)
        return strip

    def _look(self, name: str) -> Style:
        if name not in self._styles:
            # Partial ones are laid over others, so they must not bring a background of their own.
            partial = name in ("name", "falling", "dim")
            found = self.get_component_rich_style(f"cells--{name}", partial=partial) if name != "base" else None
            self._styles[name] = self.rich_style if found is None else found
        return self._styles[name]

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._styles.clear()
        self._fit()

    def _fit(self) -> None:
        """Lay the table out for the room there is."""
        width, height = self.scrollable_content_region.size
        self._strips.clear()
        table = self.table
        if table is None or not width:
            return
        layout = heat_layout(table, width, height) if self.drawn_as_heat else number_layout(table, width)
        self._lines = CellLines(table, layout, self._picture(table) if self.drawn_as_heat else None, self._look)
        self.virtual_size = Size(width, layout.header + len(self.order) * layout.tall)
        self.refresh()

    def _picture(self, table: Table) -> HeatMap:
        """The table's colours on the ground there is now; what was drawn is kept."""
        ground, before = self.background_colors[1].rgb, self._lines.heat if self._lines is not None else None
        if before is not None and before.table is table and before.ground == ground:
            return before
        return HeatMap(table, ground)

    def on_resize(self) -> None:
        self._fit()
        self._show_cursor()
