"""One line about where a neuron is: its side of the model, its expert, and what its figures run over."""

from __future__ import annotations

import numpy as np
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from mechamap.runs.run import Run
from mechamap_tui.data.experts import ExpertNote, expert_note
from mechamap_tui.data.occurrences import OccurrenceMap
from mechamap_tui.widgets.glyphs import JOINT

__all__ = ["NeuronPlace"]


TALL = 10  # lines of a pane that can spare a second one for this


class NeuronPlace(Static):
    """Hidden where there is nothing to say, as in a dense model with one side."""

    DEFAULT_CSS = """
    NeuronPlace { height: auto; max-height: 2; color: $foreground 80%; display: none; }
    """

    def __init__(self, run: Run, occurrences: OccurrenceMap) -> None:
        super().__init__()
        self._run, self._occurrences = run, occurrences
        self._side = ""
        self._note = ExpertNote()

    def show(self, row: int | None, category: str, side: str = "") -> None:
        """Describe a neuron; ``side`` only where the title has no room for it."""
        self._side = side
        self._note = ExpertNote() if row is None else expert_note(self._run, row, self._words(row, category))
        self._write()

    def on_resize(self) -> None:
        self._write()

    def _write(self) -> None:
        note = self._note
        whole = JOINT.join(filter(None, (self._side, note.text, note.warning)))
        assert isinstance(self.parent, Widget)
        room = self.parent.content_size
        fits = len(whole) <= room.width * (2 if room.height >= TALL else 1)
        text = JOINT.join(filter(None, (self._side, note.text if fits else note.short)))
        warning = note.warning if fits else note.short_warning
        self.update(Content.assemble(text, JOINT if warning else "", (warning, "$text-warning")))
        self.display = bool(text)

    def _words(self, row: int, category: str) -> tuple[int, int, str] | None:
        """How many of the category's words were routed to a neuron's expert, of how many; None where unknown."""
        run = self._run
        if run.expert_of[row] < 0 or not category or not run.has("occurrences"):
            return None
        count = float(run.column("occurrences", category)[row])
        return None if np.isnan(count) else (int(count), len(self._occurrences.last_positions(category)), category)
