"""Columns and borders stay where they are, however wide a terminal draws vowel signs and skin tones.

Terminals disagree on characters that the layout counts as none: some give a spacing vowel sign a cell and a skin tone
two, and everything to the right of one moves. So behind a stretch of text that has such characters the cursor is put
where the layout expects it. The blanks that fill the stretch up are written first, so that text that is wider than
expected covers blanks instead of a border.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache, lru_cache
from itertools import groupby
from typing import Any, NamedTuple

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from textual._compositor import CompositorUpdate
from textual.app import App
from textual.screen import Screen

from mechamap.words.plain_letters import has_plain_letters
from mechamap_tui.terminal.terminal_text import clusters_of, most_cells

__all__ = ["ColumnsInPlace", "in_place"]


_MOVE = re.compile(r"\x1b\[\d+;(\d+)H")
_SEGMENT = re.compile(r"((?:\x1b\[[\d;]*m)?)([^\x1b]+)((?:\x1b\[0m)?)")
_BORDER = re.compile(r"[\u2500-\u259f]")  # lines and blocks


@cache
def _unsure() -> Any:
    """Finds a character whose width terminals disagree on."""
    import regex

    return regex.compile(r"[\p{M}\U0001f3fb-\U0001f3ff\u1160-\u11ff\ud7b0-\ud7ff]")


class ColumnsInPlace(App[None]):
    """An app whose updates keep their columns."""

    def _display(self, screen: Screen[object], renderable: RenderableType | None) -> None:
        if isinstance(renderable, CompositorUpdate):
            renderable = _UpdateInPlace(renderable)
        super()._display(screen, renderable)


class _UpdateInPlace(CompositorUpdate):
    """An update of the screen as it is written."""

    def __init__(self, update: CompositorUpdate) -> None:
        self._update = update

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield self._update  # type: ignore[misc]  # it is a renderable, by a protocol that is not declared

    def render_segments(self, console: Console) -> str:
        return in_place(self._update.render_segments(console))


class _Cluster(NamedTuple):
    """One character as it is seen.

    Attributes:
        text: its characters.
        before: the escape sequence in front of its segment.
        after: that behind it.
        segment: the number of its segment.
        width: cells by the layout.
        most: cells in a terminal that gives all of it room.
    """

    text: str
    before: str
    after: str
    segment: int
    width: int
    most: int


def in_place(data: str) -> str:
    """What is written to a terminal, stretches between cursor moves, such that each column begins where it should."""
    if has_plain_letters(data) or not _unsure().search(data):
        return data
    moves = list(_MOVE.finditer(data))
    if not moves:
        return data
    ends = [*(move.start() for move in moves[1:]), len(data)]
    lines = [_line(data[move.end() : end], int(move[1]) - 1) for move, end in zip(moves, ends, strict=True)]
    return data[: moves[0].start()] + "".join([move.group() + line for move, line in zip(moves, lines, strict=True)])


def _line(line: str, column: int) -> str:
    """What stands between two moves of the cursor, and begins in a column."""
    text = line.rstrip("\n")
    segments = list(_SEGMENT.finditer(text))
    if not _unsure().search(text) or "".join([match.group() for match in segments]) != text:
        return line
    clusters = [
        _Cluster(cluster, match[1], match[3], number, *_cells(cluster))
        for number, match in enumerate(segments)
        for cluster in clusters_of(match[2])
    ]
    written: list[str] = []
    for field in _fields(clusters):
        is_unsure = any(_unsure().search(cluster.text) for cluster in field)
        written.append(_field(field, column) if is_unsure else _joined(field))
        column += sum(cluster.width for cluster in field)
    return "".join(written) + line[len(text) :]


def _fields(clusters: Sequence[_Cluster]) -> Iterator[list[_Cluster]]:
    """Stretches that end before a border or behind two blanks and more."""
    field: list[_Cluster] = []
    for cluster in clusters:
        behind_blanks = len(field) > 1 and field[-1].text == field[-2].text == " " != cluster.text
        if field and (_BORDER.match(cluster.text) or behind_blanks):
            yield field
            field = []
        field.append(cluster)
    if field:
        yield field


def _field(field: Sequence[_Cluster], column: int) -> str:
    """The blanks at the end of a field first, then its text, as far as that has room in any terminal."""
    room = sum(cluster.width for cluster in field)
    most = sum(cluster.most for cluster in field)
    text = list(field)
    blanks: list[_Cluster] = []
    while text and (text[-1].text == " " or most > room):
        last = text.pop()
        most -= last.most
        blanks.append(last._replace(text=" " * last.width))
    begin = column + sum(cluster.width for cluster in text)
    return f"{_to(begin)}{_joined(blanks[::-1])}{_to(column)}{_joined(text)}{_to(column + room)}"


@lru_cache(maxsize=4096)
def _cells(cluster: str) -> tuple[int, int]:
    """The cells of a character by the layout, and in a terminal that gives all of it room."""
    return cell_len(cluster), most_cells(cluster)


def _to(column: int) -> str:
    return f"\x1b[{column + 1}G"


def _joined(clusters: Sequence[_Cluster]) -> str:
    parts: list[str] = []
    for _, group in groupby(clusters, key=lambda cluster: cluster.segment):
        first, *others = group
        parts.append(first.before + first.text + "".join([cluster.text for cluster in others]) + first.after)
    return "".join(parts)
