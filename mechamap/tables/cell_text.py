"""What stands in a table's cell, as people read it: a number by its column's kind, tokens and names on one line."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from mechamap import number_text
from mechamap.plain_text import printable
from mechamap.tables.table import Cell, Kind, Values

__all__ = ["cell_text", "is_number", "number_writer"]

_JOINT = " · "
_SPACE = "␣"  # a token that is nothing but space

_WRITTEN: Mapping[str, Callable[[float], str]] = {
    "count": lambda value: f"{value:,.0f}",  # a report has room for all digits
    "number": lambda value: number_text.magnitude(value).removeprefix("+") if abs(value) >= 9999.5 else f"{value:.4g}",
    "signed": number_text.magnitude,
    "correlation": number_text.correlation,
    "probability": number_text.probability,
    "p": number_text.small_probability,
    "share": number_text.share,
    "effect": number_text.effect,
}


def is_number(kind: Kind) -> bool:
    """Whether a column of this kind stands to the right."""
    return kind in _WRITTEN


def number_writer(kind: Kind) -> Callable[[float], str]:
    """How the numbers of a column are written, for very many of them."""
    return _WRITTEN[kind]


def cell_text(cell: Cell, kind: Kind) -> str:
    """The cell on one line, with nothing in it that steers a terminal; no number is a dash, no text is empty."""
    if cell is None:
        return number_text.NONE if is_number(kind) else ""
    if isinstance(cell, tuple):
        return _JOINT.join([printable(piece.strip(" ")) or _SPACE for piece in cell])
    if isinstance(cell, Values):
        write = _WRITTEN[cell.kind]
        return _JOINT.join([number_text.NONE if value is None else write(value) for value in cell.numbers])
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if isinstance(cell, str):
        return printable(cell)
    written = _WRITTEN.get(kind)
    return written(cell) if written is not None else f"{cell:,}" if isinstance(cell, int) else f"{cell:.4g}"
