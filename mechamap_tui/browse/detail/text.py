"""The scanned text, each token coloured by the neuron's activation, up or down."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from rich.style import Style
from rich.text import Text

from mechamap.runs.run import Run
from mechamap.tables.numbers import magnitude, share
from mechamap_tui.browse.detail.activations import NOT_SCORED, Activations, ActivationView
from mechamap_tui.data.occurrences import OccurrenceMap
from mechamap_tui.terminal.terminal_text import fit, piece_label
from mechamap_tui.widgets.coloured_text import LEGEND, activation_levels, append_token, wrap_positions

__all__ = ["TextView"]


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
            self._levels = activation_levels(values, self.scored(values), self.run.token_text.home)
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
        text, background = Text(), self.background_colors[1]
        for position, shown in self._wrapped[index - len(self._head)]:
            level = 0 if self._levels is None else int(self._levels[position])
            append_token(text, shown, level, self._style(position), background)
        return text

    def _style(self, position: int) -> Style:
        values = self._shown.values
        without = values is not None and bool(np.isnan(values[position]))
        style = self.look("dim") if without or position in self.run.excluded else Style()
        if self.category in self.occurrences.categories_at(position):
            style += Style(underline=True)
        return style

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
        legend = f"{LEGEND} · {self.category} underlined · signs from half the peak"
        return [figures, legend, *([f"dim: {note}"] if note else []), ""]
