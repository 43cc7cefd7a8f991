"""Signed horizontal bars, drawn by plotext.

plotext has one figure for the whole process, so this must be called on the UI's thread only; it is imported when the
first chart is drawn, as that takes longer than everything else on the way to the first frame.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from rich.cells import cell_len
from rich.text import Text

from mechamap_tui.terminal.terminal_text import fit

__all__ = ["signed_bars"]


BLUE, ORANGE = (47, 123, 214), (217, 115, 26)


def signed_bars(labels: Sequence[str], values: Sequence[float], limit: float, width: int) -> list[Text]:
    """A line per label with its bar, left of the middle for negative values, and a line of ticks under them.

    Args:
        labels: what stands in front of each bar.
        values: as many; NaN draws no bar.
        limit: the value at which a bar reaches the edge.
        width: cells of each line.
    """
    import plotext

    room = max(width * 9 // 20, 4)
    names = [fit(label, room) for label in labels]
    if not names or width < max(map(cell_len, names)) + 6:
        return []
    plotext.terminal.limit(False, False)  # else a chart taller than the terminal would lose bars
    figure = plotext.figure
    figure.clear()
    figure.plot_size(width, len(names) + 1)
    figure.theme("simple")
    figure.axes(False)
    # plotext draws from the bottom up and joins bars of the same name, so bars are numbered and named by ticks
    heights = [value if math.isfinite(value) else 0.0 for value in reversed(values)]
    places = list(range(1, len(names) + 1))
    markers = [plotext.marker("full", pixel=plotext.pixel(foreground=BLUE if v >= 0 else ORANGE)) for v in heights]
    figure.draw(figure.bar(places, heights, orientation="h", width=0.1, marker=markers))
    figure.ruler("y").lim(1, len(names)) if len(names) > 1 else figure.ruler("y").lim(0.5, 1.5)
    figure.ruler("y").ticks(places, names[::-1])
    figure.ruler("x").lim(-limit, limit)
    figure.ruler("x").ticks([-limit, 0, limit], [f"{-limit:.3g}", "0", f"+{limit:.3g}"])
    lines = Text.from_ansi(str(figure.build())).split("\n")
    return [line for line in lines if line.plain.strip()]
