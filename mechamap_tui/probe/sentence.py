"""The sentence, each token coloured by the neuron's activation, and which of them is under the cursor."""

from __future__ import annotations

from textwrap import wrap

import numpy as np
from numpy.typing import NDArray
from rich.style import Style
from rich.text import Text

from mechamap.protocol.probed import NeuronValues, Probed, ProbedText
from mechamap.words.token_text import TokenText
from mechamap_tui.terminal.terminal_text import clean, piece_label
from mechamap_tui.widgets.coloured_text import activation_levels, append_token, wrap_pieces
from mechamap_tui.widgets.line_view import LineView

__all__ = ["SentenceView", "piece_of", "token_at"]


_UNDER_CURSOR = Style(underline=True, bold=True)


def token_at(text: ProbedText, character: int) -> int | None:
    """The position of the token that holds the character in front of a place in the line; None: it has none."""
    own = [position for position in range(len(text.pieces)) if position not in frozenset(text.special)]
    end = 0
    for position in own:
        end += len(text.pieces[position])
        if end >= max(character, 1):
            return position
    return own[-1] if own else None


class SentenceView(LineView):
    """Shows what was answered last; what was typed since then is not in it yet."""

    can_focus = False

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._message = "Type a sentence, or paste one."
        self._text: TokenText | None = None
        self._pieces: tuple[str, ...] = ()
        self._levels: NDArray[np.int8] | None = None  # [tokens]
        self._dim: frozenset[int] = frozenset()
        self._cursor: int | None = None
        self._head: list[str] = []
        self._wrapped: list[list[tuple[int, str]]] = []

    def show(self, answer: Probed | None, cursor: int | None, message: str) -> None:
        """Show an answer, or why there is none.

        Args:
            cursor: the token under the cursor.
        """
        self._message, self._cursor = message, cursor
        if answer is None:
            self._text, self._pieces, self._levels = None, (), None
            self._message = message or "Type a sentence, or paste one."
        else:
            text = answer.text
            self._text = TokenText(text.pieces, [(0, 0, len(text.pieces))], text.special)
            self._pieces = tuple(
                f"{clean(piece)} " if position in text.special else drawn
                for position, (piece, drawn) in enumerate(zip(text.pieces, self._text.drawn, strict=True))
            )
            self._dim = frozenset(text.excluded)
            self._levels = _levels(answer.neurons[0], text, self._text) if answer.neurons else None
        self.renew(keep_scroll=True)
        self._show_cursor()

    def measure(self, width: int) -> int:
        self._head = wrap(clean(self._message), width) if self._message else []
        self._wrapped = wrap_pieces(self._pieces, range(len(self._pieces)), width) if self._pieces else []
        return len(self._head) + len(self._wrapped)

    def line(self, index: int, width: int) -> Text:
        if index < len(self._head):
            return Text(self._head[index], self.look("dim"))
        text, background = Text(), self.background_colors[1]
        for position, shown in self._wrapped[index - len(self._head)]:
            style = self.look("dim") if position in self._dim else Style()
            if self._is_under_cursor(position):
                style += _UNDER_CURSOR
            append_token(text, shown, 0 if self._levels is None else int(self._levels[position]), style, background)
        return text

    def _is_under_cursor(self, position: int) -> bool:
        if self._cursor is None or self._text is None or self._cursor >= len(self._pieces):
            return False
        return position in (self._cursor, int(self._text.home[self._cursor]))

    def _show_cursor(self) -> None:
        for number, line in enumerate(self._wrapped):
            if any(self._is_under_cursor(position) for position, _ in line):
                top, height = self.scroll_offset.y, self.scrollable_content_region.height
                place = number + len(self._head)
                if not top <= place < top + height:
                    self.scroll_to(y=max(place - height + 1, 0) if place >= top + height else place, animate=False)
                return


def piece_of(text: ProbedText, position: int) -> str:
    """A token as a word of a sentence about it."""
    shown = TokenText(text.pieces, [(0, 0, len(text.pieces))], text.special).shown
    return piece_label(shown[position])


def _levels(answer: NeuronValues, text: ProbedText, tokens: TokenText) -> NDArray[np.int8]:
    """Full colour is the largest activation of the run's text, so that it means the same in every sentence."""
    values = np.array([np.nan if value is None else value for value in answer.values], np.float32)
    scored = np.ones(len(values), bool)
    scored[list(text.excluded)] = False
    if not scored.any():
        scored[:] = True
    peak = max(abs(answer.low or 0.0), abs(answer.high or 0.0))
    return activation_levels(values, scored, tokens.home, peak or None)
