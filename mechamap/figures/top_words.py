"""The words a neuron responds to: its most extreme tokens, each with the rest of the word it is a piece of."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mechamap.figures.figure import JudgedFigure
from mechamap.runs.run import Run

__all__ = ["ShownTokens", "TopWords"]


class TopWords:
    """The words of one run's text; each is put together once, however many neurons go to it."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self._words: dict[int, str] = {}

    def of(self, row: int, *, lowest: bool = False, most: int | None = None) -> tuple[str, ...]:
        """The different words at the neuron's highest (or lowest) activations, most extreme first."""
        return self.of_all([row], lowest=lowest, most=most)[0]

    def of_all(self, rows: Sequence[int], *, lowest: bool = False, most: int | None = None) -> list[tuple[str, ...]]:
        """The same for many neurons; empty where the run does not keep its tokens of that side."""
        figure = "bottom_positions" if lowest else "top_positions"
        if not self.run.has(figure):
            return [()] * len(rows)
        positions = np.asarray(self.run.figure(figure)[list(rows)])  # [rows, k]
        count = len(self.run.record.tokens.pieces)
        word_of = {position: self.at(position) for position in np.unique(positions).tolist() if 0 <= position < count}
        return [
            tuple(dict.fromkeys([word_of[position] for position in row_positions if position in word_of]))[:most]
            for row_positions in positions.tolist()
        ]

    def at(self, position: int) -> str:
        """The token with the rest of its word, without surrounding spaces: ``ese`` alone tells a reader little."""
        word = self._words.get(position)
        if word is None:
            word = self._words[position] = self.run.token_text.word(position)
        return word


_MOST = 4


class ShownTokens:
    """The words of one run's neurons."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self._words = TopWords(run)

    def of(self, row: int, category: str, kind: JudgedFigure, value: float) -> tuple[str, ...]:
        """The words of a neuron with this value of a figure for a category; empty where the run keeps no tokens."""
        return self._words.of(row, lowest=self.falls(row, category, kind, value), most=_MOST)

    def at(self, row: int, *, lowest: bool) -> tuple[str, ...]:
        """The words at its highest or lowest activations."""
        return self._words.of(row, lowest=lowest, most=_MOST)

    def falls(self, row: int, category: str, kind: JudgedFigure, value: float) -> bool:
        """Whether such a neuron goes down on the category, so that its lowest words are the ones to show."""
        if not self.run.has("bottom_positions"):
            return False
        if kind.of_reading:
            return value < kind.centre
        return self.run.has("selectivity") and bool(self.run.column("selectivity", category)[row] < 0)
