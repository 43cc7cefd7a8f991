"""Charts as SVG: text and shapes with classes of the page's style sheet, no script, nothing from elsewhere."""

from __future__ import annotations

import math
from collections.abc import Iterator
from html import escape

from mechamap.page.content import Bars, Histogram
from mechamap.wording.plain import printable, shortened

__all__ = ["bars_svg", "histogram_svg"]


_WIDTH = 640
_ROW = 22  # of a bar
_LABELS, _NUMBERS = 150, 60  # room on the left and on the right of bars
_HEIGHT, _LEFT, _BOTTOM = 220, 46, 40  # of a histogram
_FLOOR = 1e-6  # the smallest share that a logarithmic axis shows


def bars_svg(bars: Bars) -> str:
    """A bar for each category from the centre on, with whiskers where the error is known."""
    left, right = _LABELS, _WIDTH - _NUMBERS
    two_sided = any(value < bars.centre for value, _ in bars.values) or bars.centre != 0
    zero = (left + right) / 2 if two_sided else float(left)
    scale = ((right - left) / 2 if two_sided else right - left) / bars.reach
    height = _ROW * len(bars.labels) + 8
    parts = [f'<line class="axis" x1="{zero:.1f}" x2="{zero:.1f}" y1="2" y2="{height - 4}"/>']
    for place, (label, (value, written), error) in enumerate(zip(bars.labels, bars.values, bars.errors, strict=True)):
        top = 4 + place * _ROW
        end = zero + (value - bars.centre) * scale
        kind = "bar chosen" if place == bars.chosen else "bar"
        middle = top + _ROW / 2
        parts.append(f'<text class="label" x="{left - 8}" y="{middle + 4:.1f}">{_text(label, 20)}</text>')
        parts.append(
            f'<rect class="{kind}" x="{min(zero, end):.1f}" y="{top + 3}" width="{max(abs(end - zero), 0.5):.1f}" '
            f'height="{_ROW - 6}"/>'
        )
        if error is not None:
            low, high = (min(max(end + side * error * scale, left), right) for side in (-1, 1))
            parts.append(f'<path class="whisker" d="M{low:.1f} {middle:.1f}H{high:.1f}"/>')
        parts.append(f'<text class="number" x="{_WIDTH - 4}" y="{middle + 4:.1f}">{_text(written)}</text>')
    return _svg(bars.title, _WIDTH, height, parts)


def histogram_svg(histogram: Histogram) -> str:
    """Bins as bars; a second group of positions as a line above them."""
    bins = len(histogram.edges) - 1
    largest = max(max(shares) for _, shares in histogram.series)
    parts = [*_axis(histogram, largest)]
    step = (_WIDTH - _LEFT) / bins
    for number, (_, shares) in enumerate(histogram.series):
        tops = [_top(share, largest, histogram.logarithmic) for share in shares]
        if number == 0:
            parts += [
                f'<rect class="bar chosen" x="{_LEFT + place * step:.1f}" y="{top:.1f}" '
                f'width="{max(step - 1, 0.5):.1f}" height="{_base() - top:.1f}"/>'
                for place, top in enumerate(tops)
                if top < _base()
            ]
        else:
            steps = "".join(f"V{top:.1f}H{_LEFT + (place + 1) * step:.1f}" for place, top in enumerate(tops))
            parts.append(f'<path class="other" d="M{_LEFT} {_base():.1f}{steps}V{_base():.1f}"/>')
    return _svg(histogram.title, _WIDTH, _HEIGHT + 22, [*parts, *_legend(histogram)])


def _base() -> float:
    return _HEIGHT - _BOTTOM


def _top(share: float, largest: float, logarithmic: bool) -> float:
    room = _base() - 8
    if share <= 0:
        return _base()
    part = share / largest
    if logarithmic:
        part = math.log(max(share, _FLOOR) / _FLOOR) / math.log(max(largest, 2 * _FLOOR) / _FLOOR)
    return _base() - room * part


def _axis(histogram: Histogram, largest: float) -> Iterator[str]:
    yield f'<line class="axis" x1="{_LEFT}" x2="{_WIDTH}" y1="{_base():.1f}" y2="{_base():.1f}"/>'
    ticks = [1.0, 1e-2, 1e-4] if histogram.logarithmic else [largest, largest / 2]
    for share in ticks:
        if share <= largest:
            y = _top(share, largest, histogram.logarithmic)
            yield f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH}" y1="{y:.1f}" y2="{y:.1f}"/>'
            yield f'<text class="tick side" x="{_LEFT - 6}" y="{y + 4:.1f}">{100 * share:.3g}%</text>'
    bins = len(histogram.edges) - 1
    step = (_WIDTH - _LEFT) / bins
    for place in sorted({round(part * bins / 6) for part in range(7)}):
        edge = histogram.edges[place]
        if math.isfinite(edge):
            x = min(max(_LEFT + place * step, _LEFT + 14), _WIDTH - 18)
            yield f'<text class="tick" x="{x:.1f}" y="{_base() + 16:.1f}">{edge:.3g}</text>'


def _legend(histogram: Histogram) -> Iterator[str]:
    y = _HEIGHT + 8
    for number, (name, _) in enumerate(histogram.series):
        x = _LEFT + number * 280
        if number == 0:
            yield f'<rect class="bar chosen" x="{x}" y="{y - 9}" width="12" height="10"/>'
        else:
            yield f'<path class="other" d="M{x} {y - 4}h12"/>'
        yield f'<text class="legend" x="{x + 18}" y="{y}">{_text(name, 36)}</text>'


def _svg(title: str, width: int, height: float, parts: list[str]) -> str:
    return (
        f'<svg viewBox="0 0 {width} {height:.0f}" role="img" aria-label="{_text(title)}">'
        f"<title>{_text(title)}</title>{''.join(parts)}</svg>"
    )


def _text(text: str, width: int = 200) -> str:
    return escape(shortened(printable(text), width))
