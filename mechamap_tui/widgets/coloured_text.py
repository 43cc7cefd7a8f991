"""Tokens in lines, each coloured by a neuron's activation, up or down."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from rich.style import Style
from rich.text import Text
from textual.color import Color

from mechamap.runs.record import CORPUS_FORMAT
from mechamap.runs.run import Run
from mechamap_tui.terminal.terminal_text import clean, fit, most_cells
from mechamap_tui.widgets.glyphs import DOWN, UP

__all__ = ["LEGEND", "activation_levels", "append_token", "drawn_levels", "wrap_pieces", "wrap_positions"]


# Blue and orange: distinguishable for people who cannot tell red from green.
BLUE, ORANGE = Color.parse("#2f7bd6"), Color.parse("#d9731a")
LEVELS = 6
STRONG = 0.5  # share of the peak from which a token is marked without colour too
LEGEND = f"{UP} blue up · {DOWN} orange down"


def activation_levels(
    values: NDArray[np.float32], scored: NDArray[np.bool_], home: NDArray[np.intp], peak: float | None = None
) -> NDArray[np.int8]:
    """How strongly each token is coloured, from -6 to 6, ``[positions]``.

    Args:
        values: ``[positions]``; what is not finite is not coloured.
        scored: ``[positions]``, which count.
        home: ``[positions]``, where each token's characters are drawn.
        peak: the size that has the full colour; None: the largest of those that count.
    """
    values = np.nan_to_num(values, posinf=0.0, neginf=0.0)
    peak = peak or float(np.abs(values[scored]).max(initial=0.0)) or 1.0
    levels = np.clip(np.rint(values / peak * LEVELS), -LEVELS, LEVELS).astype(np.int8)
    levels[~scored] = 0
    return drawn_levels(levels, home)


def append_token(text: Text, shown: str, level: int, style: Style, background: Color) -> None:
    """Add a token to a line: coloured by its level on the pane's background, a strong one with a sign too."""
    if level:
        shade = background.blend(BLUE if level > 0 else ORANGE, abs(level) / LEVELS)
        style += Style(bgcolor=shade.rich_color, color=shade.get_contrast_text().rich_color)
    strong = abs(level) >= STRONG * LEVELS
    stripped = shown.lstrip(" ")
    gap = shown[: len(shown) - len(stripped)]
    if gap and strong:  # the sign takes the place of the space in front, so that the text does not shift
        text.append(gap[1:]).append(UP if level > 0 else DOWN, style)
    else:
        text.append(gap)
    text.append(stripped, style + Style(bold=True) if strong else style)


def drawn_levels(levels: NDArray[np.int8], home: NDArray[np.intp]) -> NDArray[np.int8]:
    """``[positions]`` the level of what is drawn at each: the strongest of the tokens that one character takes."""
    drawn = levels.copy()
    for position in np.flatnonzero(home != np.arange(len(home))).tolist():
        if abs(levels[position]) > abs(drawn[home[position]]):
            drawn[home[position]] = levels[position]
    return drawn


def wrap_positions(run: Run, width: int) -> list[list[tuple[int, str]]]:
    """The text's tokens in lines of at most ``width`` cells: (position, what is shown), an empty line between texts."""
    lines: list[list[tuple[int, str]]] = [[]]
    if run.record.format == CORPUS_FORMAT:  # stretches of many documents, none of them next to another
        return []
    text_before = None
    for text, start, length in run.record.tokens.windows:
        if text_before is not None and text != text_before:
            lines += [[], []]
        text_before = text
        for word in _words(run.token_text.drawn, range(start, start + length)):
            _add_word(lines, word, width)
    return lines


def wrap_pieces(pieces: Sequence[str], positions: range, width: int) -> list[list[tuple[int, str]]]:
    """Some tokens in lines of at most ``width`` cells: (position, what is shown)."""
    lines: list[list[tuple[int, str]]] = [[]]
    for word in _words(pieces, positions):
        _add_word(lines, word, width)
    return lines


def _words(pieces: Sequence[str], positions: range) -> Iterator[list[tuple[int, str]]]:
    """Tokens that belong together on a line; an empty one is a line's end."""
    word: list[tuple[int, str]] = []
    for position in positions:
        for part, shown in enumerate(pieces[position].split("\n")):
            if word and (part or shown.startswith((" ", "\t"))):
                yield word
                word = []
            if part:
                yield []
            if shown:
                word.append((position, clean(shown)))
    if word:
        yield word


def _add_word(lines: list[list[tuple[int, str]]], word: list[tuple[int, str]], width: int) -> None:
    """Put a word on the last line, or on a new one where it does not fit; one that fits nowhere is cut by tokens."""
    if not word:
        lines.append([])
        return
    used = sum(most_cells(shown) for _, shown in lines[-1])
    if used and used + sum(most_cells(shown) for _, shown in word) > width:
        lines.append([])
        used = 0
    for position, shown in word:
        cut = fit(shown, width)
        cells = most_cells(cut)
        if used and used + cells > width:
            lines.append([])
            used = 0
        lines[-1].append((position, cut))
        used += cells
