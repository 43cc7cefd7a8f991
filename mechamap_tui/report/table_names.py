"""The names of a report's tables, the one on the screen marked: on one line, or listed where there is room."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import wrap

from rich.cells import cell_len
from textual.content import Content
from textual.style import Style
from textual.widgets import Static

from mechamap.tables.table import Table
from mechamap_tui.terminal.terminal_text import clean
from mechamap_tui.widgets.glyphs import CURSOR, MORE_LEFT, MORE_RIGHT

__all__ = ["TableNames"]


class TableNames(Static):
    """The tables, the current one marked, rewritten for the current width; a click goes to one.

    On one line, ``1 basics  2 counts  3 layers``; with the class ``-list`` their titles under one another.
    """

    ALLOW_SELECT = False

    DEFAULT_CSS = """
    TableNames {
        height: 1; padding: 0 1; text-wrap: nowrap;
        &.-list { width: 30; height: 100%; padding: 1 1 0 1; color: $foreground 80%; text-wrap: wrap; }
    }
    """

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._tables: Sequence[Table] = ()
        self._current = 0

    def show(self, tables: Sequence[Table], current: int) -> None:
        self._tables, self._current = tables, current
        self._write()

    def on_resize(self) -> None:
        self._write()

    def _write(self) -> None:
        written, width = _on_one_line, self.content_size.width
        if self.has_class("-list"):
            written = _under_one_another
        self.update(written(self._tables, self._current, width))


def _on_one_line(tables: Sequence[Table], current: int, width: int) -> Content:
    """Their keys in as many lines as they take, the one with the current table."""
    names = [_name(number, table) for number, table in enumerate(tables, start=1)]
    shown = _line_with(names, current, width - 4)
    pieces: list[Content] = []
    for index in shown:
        pieces += [Content.styled(names[index], _style(index, current)), Content(" ")]
    left = MORE_LEFT if shown and shown[0] > 0 else " "
    right = MORE_RIGHT if shown and shown[-1] < len(names) - 1 else ""
    return Content.assemble(left, *pieces, right)


def _under_one_another(tables: Sequence[Table], current: int, width: int) -> Content:
    """Their titles."""
    lines: list[Content] = []
    for index, table in enumerate(tables):
        sign = CURSOR if index == current else " "
        for part, line in enumerate(wrap(clean(table.title), max(width - 5, 8)) or [table.key]):
            head = f"{sign} {_key(index + 1):<2} " if not part else " " * 5
            lines.append(Content(head) + Content.styled(line, _style(index, current)))
    return Content("\n").join(lines)


def _style(index: int, current: int) -> Style:
    style = Style.from_meta({"@click": f"screen.table({index})"})
    return style + Style(bold=True, reverse=True) if index == current else style


def _name(number: int, table: Table) -> str:
    return f" {_key(number)} {clean(table.key).replace('_', ' ')} ".replace("  ", " ")


def _key(number: int) -> str:
    """The key that goes to a table; those behind the tenth have none."""
    return str(number % 10) if number <= 10 else ""


def _line_with(names: Sequence[str], current: int, room: int) -> list[int]:
    """The names of the line on which the current one stands, where each line takes as many as fit."""
    line: list[int] = []
    used = 0
    for index, name in enumerate(names):
        if line and used + cell_len(name) + 1 > room:
            if current in line:
                break
            line, used = [], 0
        line.append(index)
        used += cell_len(name) + 1
    return line
