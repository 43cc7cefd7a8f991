"""Heat maps, drawn by plotext: a character per value, its colour saying how much and which way.

plotext has one figure for the whole process, so this must be called on the UI's thread only; it is imported when the
first picture is drawn.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from rich.color import Color
from rich.text import Text

from mechamap_tui.bar_chart import BLUE, ORANGE

__all__ = ["RGB", "heat_map", "shade"]

RGB: TypeAlias = tuple[int, int, int]


def shade(value: float | None, limit: float, ground: RGB, *, least: float = 0.0) -> RGB:
    """The colour of a value: ``ground`` at 0 and where there is none, full blue at ``limit``, full orange at -limit.

    ``least`` is how strong the colour of the smallest value is, from which on it grows.
    """
    if not value or limit <= 0:
        return ground
    strength = least + (1 - least) * min(abs(value) / limit, 1.0)
    red, green, blue = (
        round(low + (high - low) * strength) for low, high in zip(ground, BLUE if value > 0 else ORANGE, strict=True)
    )
    return red, green, blue


def heat_map(colours: Sequence[Sequence[RGB]]) -> list[list[Color]]:
    """What plotext draws of ``colours``, ``[rows][columns]``: the colour of each character of the picture."""
    import plotext

    rows, columns = len(colours), len(colours[0]) if colours else 0
    if not columns:
        return [[] for _ in colours]
    plotext.terminal.limit(False, False)  # else a picture larger than the terminal would lose rows
    figure = plotext.figure
    figure.clear()
    figure.plot_size(columns, rows)
    figure.theme("simple")
    figure.axes(False)
    figure.draw(figure.heatmap([list(row) for row in colours]))
    for axis, size in (("x", columns), ("y", rows)):
        figure.ruler(axis).frequency(0)
        figure.ruler(axis).lim(0, max(size - 1, 1))
    lines = Text.from_ansi(str(figure.build())).split("\n")
    return [_colours(line) for line in lines[:rows]]


def _colours(line: Text) -> list[Color]:
    """The colour of each character of a line."""
    found = [Color.default()] * len(line)
    for span in line.spans:
        colour = getattr(span.style, "color", None)
        if colour is not None:
            found[span.start : span.end] = [colour] * (span.end - span.start)
    return found
