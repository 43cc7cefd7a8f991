"""Numbers and other values as a table's cells show them to people: short, signed where a sign can be, on one line."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from mechamap.figures.catalogue import SIGNIFICANT
from mechamap.tables.table import Cell, Kind, Values
from mechamap.wording.plain import printable
from mechamap.words.features import feature_name

__all__ = [
    "NONE",
    "cell_text",
    "correlation",
    "count",
    "effect",
    "is_number",
    "magnitude",
    "number_writer",
    "probability",
    "share",
    "small_probability",
]


NONE = "—"


def correlation(value: float) -> str:
    """A value within -1 to 1, signed: ``+.98``, ``-.40``, ``+1.00``."""
    if math.isnan(value):
        return NONE
    text = f"{value:+.2f}"
    return text[0] + text[2:] if text[1] == "0" else text


def probability(value: float) -> str:
    """A value within 0 to 1: ``.98``, ``1.00``."""
    if math.isnan(value):
        return NONE
    return f"{value:.2f}".removeprefix("0")


def magnitude(value: float) -> str:
    """Any value, signed, in at most six cells up to a million: ``+3.42``, ``-2824``, ``+1.2e+07``."""
    if math.isnan(value):
        return NONE
    size = abs(value)
    if size < 99.995:
        return f"{value:+.2f}"
    if size < 999.95:
        return f"{value:+.1f}"
    return f"{value:+.0f}" if size < 99_999.5 else f"{value:+.1e}"


def effect(value: float) -> str:
    """A change of log probability, signed, its points under one another up to 1: ``-.2100``, ``+.0008``, ``-1.234``."""
    if math.isnan(value):
        return NONE
    size = abs(value)
    if size >= 9.9995:
        return magnitude(value)
    text = f"{value:+.3f}" if size >= 0.99995 else f"{value:+.4f}"
    return text[0] + text[2:] if text[1] == "0" else text


def count(value: float) -> str:
    """A number of things, in at most seven cells: ``41``, ``6,054``, ``1.2e+07``."""
    if math.isnan(value):
        return NONE
    return f"{value:,.0f}" if value < 999_999.5 else f"{value:.1e}"


def small_probability(value: float) -> str:
    """A p, of which the small ones matter: ``.005``, ``.312``, ``1.000``, ``<.001``; ``.0498``, not ``.050``."""
    if math.isnan(value):
        return NONE
    if value < 0.0005:
        return "<.001"
    # A significant value must not be rounded to look insignificant.
    digits = 4 if value < SIGNIFICANT <= round(value, 3) else 3
    return f"{value:.{digits}f}".removeprefix("0")


def share(value: float) -> str:
    """A value within 0 to 1 as a percentage: ``11%``; ``<1%`` is small but not nothing, ``>99%`` is not all."""
    if math.isnan(value):
        return NONE
    if 0 < value < 0.005:
        return "<1%"
    if 0.995 <= value < 1:
        return ">99%"
    return f"{100 * value:.0f}%"


_JOINT = " · "
_SPACE = "␣"  # a token that is nothing but space

_WRITTEN: Mapping[str, Callable[[float], str]] = {
    "count": lambda value: f"{value:,.0f}",  # a report has room for all digits
    "number": lambda value: magnitude(value).removeprefix("+") if abs(value) >= 9999.5 else f"{value:.4g}",
    "signed": magnitude,
    "correlation": correlation,
    "probability": probability,
    "p": small_probability,
    "share": share,
    "effect": effect,
    "feature": lambda value: feature_name(value) or NONE,
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
        return NONE if is_number(kind) else ""
    if isinstance(cell, tuple):
        return _JOINT.join([printable(piece.strip(" ")) or _SPACE for piece in cell])
    if isinstance(cell, Values):
        write = _WRITTEN[cell.kind]
        return _JOINT.join([NONE if value is None else write(value) for value in cell.numbers])
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    return printable(cell) if isinstance(cell, str) else _number_text(cell, kind)


def _number_text(number: float, kind: Kind) -> str:
    if is_number(kind):
        return _WRITTEN[kind](number)
    return f"{number:,}" if isinstance(number, int) else f"{number:.4g}"
