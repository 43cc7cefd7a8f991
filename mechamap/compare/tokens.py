"""The words that a neuron goes to, as a table shows them: its highest, or its lowest where it falls on the category."""

from __future__ import annotations

from mechamap.figures import OF_READING, FigureKind
from mechamap.run import Run
from mechamap.top_words import TopWords

__all__ = ["ShownTokens"]

_MOST = 4


class ShownTokens:
    """The words of one run's neurons."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self._words = TopWords(run)

    def of(self, row: int, category: str, kind: FigureKind, value: float) -> tuple[str, ...]:
        """Of a neuron with this value of a figure for a category; empty where the run keeps no tokens."""
        return self._words.of(row, lowest=self.falls(row, category, kind, value), most=_MOST)

    def at(self, row: int, *, lowest: bool) -> tuple[str, ...]:
        """The words at its highest or lowest activations."""
        return self._words.of(row, lowest=lowest, most=_MOST)

    def falls(self, row: int, category: str, kind: FigureKind, value: float) -> bool:
        """Whether such a neuron goes down on the category, so that its lowest words are the ones to show."""
        if not self.run.has("bottom_positions"):
            return False
        if kind.name in OF_READING:
            return value < kind.centre
        return self.run.has("selectivity") and bool(self.run.column("selectivity", category)[row] < 0)
