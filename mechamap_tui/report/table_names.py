"""The names of a report's tables, the one on the screen marked: on a line, or under one another where there is room."""

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

__all__ = ["TableList", "TableNames"]


class _Tables(Static):
    """Tables of which one is on the screen, written anew for the width there is."""

    ALLOW_SELECT = False

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._tables: Sequence[Table] = ()
        self._current = 0

    def show(self, tables: Sequence[Table], current: int) -> None:
        self._tables, self._current = tables, current
        self._write()

    def on_resize(self) -> None:
        self._write()

    def _write(self) -> None:
        raise NotImplementedError


class TableNames(_Tables):
    """``1 basics  2 counts  3 layers``, in as many lines as they take, one of them shown; a click goes there."""

    DEFAULT_CSS = """
    TableNames { height: 1; padding: 0 1; text-wrap: nowrap; }
    """

    def _write(self) -> None:
        names = [_name(number, table) for number, table in enumerate(self._tables, start=1)]
        shown = _line_with(names, self._current, self.content_size.width - 4)
        pieces: list[Content] = []
        for at in shown:
            style = Style.from_meta({"@click": f"screen.table({at})"})
            pieces += [Content.styled(names[at], style + _mark(at == self._current)), Content(" ")]
        left = MORE_LEFT if shown and shown[0] > 0 else " "
        right = MORE_RIGHT if shown and shown[-1] < len(names) - 1 else ""
        self.update(Content.assemble(left, *pieces, right))


class TableList(_Tables):
    """The titles of the tables; a click goes there."""

    DEFAULT_CSS = """
    TableList { width: 30; height: 100%; padding: 1 1 0 1; color: $foreground 80%; }
    """

    def _write(self) -> None:
        width = max(self.content_size.width - 5, 8)
        lines: list[Content] = []
        for at, table in enumerate(self._tables):
            style = Style.from_meta({"@click": f"screen.table({at})"}) + _mark(at == self._current)
            sign = CURSOR if at == self._current else " "
            for part, line in enumerate(wrap(clean(table.title), width) or [table.key]):
                head = f"{sign} {_key(at + 1):<2} " if not part else " " * 5
                lines.append(Content(head) + Content.styled(line, style))
        self.update(Content("\n").join(lines))


def _name(number: int, table: Table) -> str:
    return f" {_key(number)} {clean(table.key).replace('_', ' ')} ".replace("  ", " ")


def _key(number: int) -> str:
    """The key that goes to a table; those behind the tenth have none."""
    return str(number % 10) if number <= 10 else ""


def _mark(current: bool) -> Style:
    return Style(bold=True, reverse=True) if current else Style()


def _line_with(names: Sequence[str], current: int, room: int) -> list[int]:
    """The names of the line on which the current one stands, where each line takes as many as fit."""
    line: list[int] = []
    used = 0
    for at, name in enumerate(names):
        if line and used + cell_len(name) + 1 > room:
            if current in line:
                break
            line, used = [], 0
        line.append(at)
        used += cell_len(name) + 1
    return line
