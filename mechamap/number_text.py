"""Numbers as the screens write them: short, signed where a sign can be, "-" alone where there is none."""

from __future__ import annotations

import math

from mechamap.findings import SIGNIFICANT

__all__ = ["NONE", "correlation", "count", "effect", "magnitude", "probability", "share", "small_probability"]

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
    # One that is called significant must not look as if it were not.
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
