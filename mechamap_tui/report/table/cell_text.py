"""How the cells of a report's tables are written on the screen: as elsewhere, but safe for a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from mechamap.tables import numbers as written
from mechamap.tables.numbers import NONE
from mechamap.tables.table import Cell, Column, Kind
from mechamap_tui.data.advice_text import report_text
from mechamap_tui.terminal.terminal_text import clean, piece_label
from mechamap_tui.widgets.glyphs import JOINT

__all__ = ["cell_text", "is_signed", "row_text"]


_SIGNED = frozenset(("signed", "correlation", "effect"))


def is_signed(kind: Kind) -> bool:
    """Whether a number's sign distinguishes two opposite meanings."""
    return kind in _SIGNED


def cell_text(cell: Cell, kind: Kind) -> str:
    """A cell on one line; "—" where it is empty."""
    if isinstance(cell, tuple):
        return JOINT.join(map(piece_label, cell)) or NONE
    if isinstance(cell, str):
        return clean(report_text(cell))
    return written.cell_text(cell, kind) or NONE


def row_text(cells: Sequence[Cell], columns: Sequence[Column]) -> str:
    """A row as text for the clipboard: its cells with their titles, tabs between them."""
    first, *others = zip(cells, columns, strict=True)
    titled = [f"{clean(column.title)} {cell_text(cell, column.kind)}" for cell, column in others]
    return "\t".join([cell_text(first[0], first[1].kind), *titled])
