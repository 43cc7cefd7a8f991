"""The scanned text, each token coloured by the neuron's activation, up or down."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from rich.style import Style
from rich.text import Text
from textual.color import Color

from mechamap.runs.run import Run
from mechamap.tables.numbers import magnitude, share
from mechamap_tui.browse.detail.activations import NOT_SCORED, Activations, ActivationView
from mechamap_tui.data.occurrences import OccurrenceMap
from mechamap_tui.terminal.terminal_text import clean, fit, most_cells, piece_label
from mechamap_tui.widgets.glyphs import DOWN, UP

__all__ = ["TextView", "wrap_positions"]


# Blue and orange: distinguishable for people who cannot tell red from green.
BLUE, ORANGE = Color.parse("#2f7bd6"), Color.parse("#d9731a")
LEVELS = 6
STRONG = 0.5  # share of the peak from which a token is marked without colour too


class TextView(ActivationView):
    """The text below a line of figures, or below a line that says why there are no activations."""

    def __init__(self, run: Run, occurrences: OccurrenceMap, *, id: str | None = None) -> None:
        super().__init__(run, occurrences, id=id)
        self._shown = Activations()
        self._head: list[str] = []
        self._wrapped: list[list[tuple[int, str]]] = []
        self._wrapped_for = 0
        self._levels: NDArray[np.int8] | None = None  # [positions]

    def take(self, activations: Activations) -> None:
        """Colour the text by the activations; without any it is plain, under a message. Dim: positions without one."""
        self._shown, values = activations, activations.values
        self._levels = None
        if values is not None:
            scored = self.scored(values)
            values = np.nan_to_num(values, posinf=0.0, neginf=0.0)
            peak = float(np.abs(values[scored]).max(initial=0.0)) or 1.0
            self._levels = np.clip(np.rint(values / peak * LEVELS), -LEVELS, LEVELS).astype(np.int8)
            self._levels[~scored] = 0
            self._levels = _drawn_levels(self._levels, self.run.token_text.home)
        self.renew(keep_scroll=True)

    def measure(self, width: int) -> int:
        if self._wrapped_for != width:
            self._wrapped = wrap_positions(self.run, width)
            self._wrapped_for = width
        self._head = [fit(line, width) for line in self._summary()]
        return len(self._head) + len(self._wrapped)

    def line(self, index: int, width: int) -> Text:
        if index < len(self._head):
            return Text(self._head[index], self.look("title" if index == 0 else "dim"))
        text = Text()
        for position, shown in self._wrapped[index - len(self._head)]:
            self._append(text, position, shown)
        return text

    def _append(self, text: Text, position: int, shown: str) -> None:
        values = self._shown.values
        without = values is not None and bool(np.isnan(values[position]))
        style = self.look("dim") if without or position in self.run.excluded else Style()
        level = 0 if self._levels is None else int(self._levels[position])
        if level:
            style += self._shade(level)
        strong = abs(level) >= STRONG * LEVELS
        stripped = shown.lstrip(" ")
        gap = shown[: len(shown) - len(stripped)]
        if gap and strong:  # the sign takes the place of the space in front, so that the text does not shift
            text.append(gap[1:]).append(UP if level > 0 else DOWN, style)
        else:
            text.append(gap)
        if self.category in self.occurrences.categories_at(position):
            style += Style(underline=True)
        text.append(stripped, style + Style(bold=True) if strong else style)

    def _shade(self, level: int) -> Style:
        background = self.background_colors[1].blend(BLUE if level > 0 else ORANGE, abs(level) / LEVELS)
        return Style(bgcolor=background.rich_color, color=background.get_contrast_text().rich_color)

    def _summary(self) -> list[str]:
        run, values, note = self.run, self._shown.values, self._shown.note
        if self._shown.message:
            return [self._shown.message, ""]
        if values is None:
            return []
        pieces = run.token_text.shown
        counted = np.setdiff1d(np.flatnonzero(~np.isnan(values)), list(run.excluded))
        if not len(counted):
            return [NOT_SCORED, ""]
        scored = values[counted]
        high, low = int(counted[scored.argmax()]), int(counted[scored.argmin()])
        figures = (
            f"max {magnitude(float(values[high]))} {piece_label(pieces[high])} · "
            f"min {magnitude(float(values[low]))} {piece_label(pieces[low])} · "
            f"fires at {share(float((scored > 0).mean()))} of {len(scored):,} · mean {magnitude(float(scored.mean()))}"
        )
        legend = f"{UP} blue up · {DOWN} orange down · {self.category} underlined · signs from half the peak"
        return [figures, legend, *([f"dim: {note}"] if note else []), ""]


def _drawn_levels(levels: NDArray[np.int8], home: NDArray[np.intp]) -> NDArray[np.int8]:
    """``[positions]`` the level of what is drawn at each: the strongest of the tokens that one character takes."""
    drawn = levels.copy()
    for position in np.flatnonzero(home != np.arange(len(home))).tolist():
        if abs(levels[position]) > abs(drawn[home[position]]):
            drawn[home[position]] = levels[position]
    return drawn


def wrap_positions(run: Run, width: int) -> list[list[tuple[int, str]]]:
    """The text's tokens in lines of at most ``width`` cells: (position, what is shown), an empty line between texts."""
    lines: list[list[tuple[int, str]]] = [[]]
    text_before = None
    for text, start, length in run.record.tokens.windows:
        if text_before is not None and text != text_before:
            lines += [[], []]
        text_before = text
        for word in _words(run.token_text.drawn, range(start, start + length)):
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
