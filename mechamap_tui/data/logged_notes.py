"""Marks, notes and sets of a run as the explorer changes them: each change goes into the session's log."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from mechamap.replay import actions
from mechamap.runs.kept.notes import Notes

if TYPE_CHECKING:
    from mechamap.runs.run import Run
    from mechamap.runs.sets.neuron_sets import NeuronSet

__all__ = ["LoggedNotes"]


class LoggedNotes(Notes):
    """The notes of a run.

    Args:
        did: called with the run and the command of each change that was written.
        kept: whether they are read from the run's folder; else they stay in memory.

    Raises:
        RunError: ``notes.json`` is damaged.
    """

    def __init__(self, run: Run, did: Callable[[Run, Sequence[str]], None], *, kept: bool = True) -> None:
        self._run, self._did = run, did
        super().__init__(run.path if kept else None)

    def mark(self, name: str, marked: bool = True) -> None:
        super().mark(name, marked)
        self._did(self._run, actions.marked(self._run, (name,), marked))

    def mark_all(self, names: Iterable[str], marked: bool = True) -> None:
        taken = tuple(names)
        super().mark_all(taken, marked)
        if taken:
            self._did(self._run, actions.marked(self._run, taken, marked))

    def write_note(self, name: str, text: str) -> None:
        super().write_note(name, text)
        self._did(self._run, actions.noted(self._run, name, text.strip()))

    def write_set(self, members: NeuronSet) -> None:
        replaced = any(each.name == members.name for each in self.sets)
        super().write_set(members)
        names = tuple(map(str, members.neurons))
        self._did(self._run, actions.set_kept(self._run, members.name, names, members.note, replaced=replaced))
