"""A neuron's highest and lowest tokens in context, one line each, the tokens under one another."""

from __future__ import annotations

from rich.cells import cell_len
from rich.style import Style
from rich.text import Text

from mechamap.runs.run import Run, TokenHit
from mechamap.tables.numbers import magnitude
from mechamap_tui.data.occurrences import OccurrenceMap
from mechamap_tui.terminal.terminal_text import clean, fit, fit_right, pad, piece_label
from mechamap_tui.widgets.line_view import LineView

__all__ = ["TokenView", "in_context"]


VALUE, COUNT, CATEGORY = 8, 4, 9
_UNDERLINE = Style(underline=True)
CATEGORY_FROM = 64  # cells from which there is room for the word's category


class TokenView(LineView):
    """Each distinct token once, at its most extreme; how often it is among the kept ones stands beside it."""

    def __init__(self, run: Run, occurrences: OccurrenceMap, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._run, self._occurrences = run, occurrences
        self._row: int | None = None
        self._falls = False
        self._category = ""
        self._lines: list[tuple[TokenHit, int] | str] = []

    def show(self, row: int | None, category: str) -> None:
        """Show a neuron. One that falls on the category shows its lowest tokens first."""
        run, self._row, self._category = self._run, row, category
        self._falls = bool(row is not None and run.has("selectivity") and run.column("selectivity", category)[row] < 0)
        self.renew()

    def measure(self, width: int) -> int:
        self._lines = []
        if self._row is None:
            return 0
        sides = [("highest", False)]
        if self._run.has("bottom_positions"):
            sides.insert(0 if self._falls else 1, ("lowest", True))
        for name, lowest in sides:
            hits = distinct(self._run.top_tokens(self._row, lowest=lowest))
            self._lines += [name, *hits] if hits else [f"{name}: none kept"]
        if not self._run.has_context:
            self._lines.append("This run has no text around its tokens: a CSV keeps only the tokens.")
        return len(self._lines)

    def line(self, index: int, width: int) -> Text:
        content = self._lines[index]
        if isinstance(content, str):
            return Text(fit(content, width), self.look("title"))
        hit, count = content
        text = Text().append(magnitude(hit.value).rjust(VALUE), self.look("falling" if hit.value < 0 else "strong"))
        text.append(pad(f" ×{count}" if count > 1 else "", COUNT), self.look("dim"))
        names = self._occurrences.categories_at(hit.position)
        if width >= CATEGORY_FROM:
            text.append(pad(names[0] if names else "", CATEGORY) + " ", self.look("dim"))
        if not self._run.has_context:
            return text.append(piece_label(hit.piece), self.look("strong"))
        around = self._run.context(hit.position, width)
        style = self.look("strong") + _UNDERLINE if self._category in names else self.look("strong")
        return text.append(in_context(around, width - text.cell_len, style, self.look("dim")))


def in_context(around: tuple[str, str, str], width: int, strong: Style, dim: Style) -> Text:
    """The token in brackets, beginning at the same place in every line.

    Args:
        around: the text in front of the token, its piece, and the text behind it.
        width: of the whole, in cells.
        strong, dim: looks of the token and of what stands around it.
    """
    before, piece, after = around
    label = fit(piece_label(piece), max(width - 2, 1))
    if piece.startswith(" "):
        before += " "
    room = max(min((width - 2) * 2 // 5, width - 2 - cell_len(label)), 0)
    before = fit_right(clean(before), room)
    text = Text().append(" " * (room - cell_len(before)) + before, dim)
    text.append("[", dim).append(label, strong).append("]", dim)
    return text.append(fit(clean(after), width - text.cell_len), dim)


def distinct(hits: list[TokenHit]) -> list[tuple[TokenHit, int]]:
    """The first hit of each distinct token, and how often the token occurs; the order is kept."""
    counts: dict[str, int] = {}
    first: dict[str, TokenHit] = {}
    for hit in hits:
        label = piece_label(hit.piece)
        counts[label] = counts.get(label, 0) + 1
        first.setdefault(label, hit)
    return [(hit, counts[label]) for label, hit in first.items()]
