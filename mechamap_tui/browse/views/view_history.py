"""The history of what the browse screen shows: notices what has changed, and undoes it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from mechamap.runs.views.table_view import TableView
from mechamap_tui.browse.views.difference import difference, walk_of
from mechamap_tui.browse.views.history import History, MarkStep, Step, ViewStep
from mechamap_tui.browse.views.shown_view import ShownView

if TYPE_CHECKING:
    from mechamap_tui.browse.table.table import NeuronTable

__all__ = ["ViewHistory"]


class ViewHistory:
    """Compares what is shown with what was, so that whatever changes a view can be undone.

    Args:
        set_mark: marks a neuron by its name, or removes its mark.

    Attributes:
        history: the steps so far.
    """

    def __init__(self, shown: ShownView, table: NeuronTable, set_mark: Callable[[str, bool], None]) -> None:
        self._shown, self._table, self._set_mark = shown, table, set_mark
        self.history = History()
        self._seen = TableView()
        self._row: int | None = None

    def begin(self) -> None:
        """Take what is shown now for what there was in the beginning."""
        self._seen, self._row = self._shown.now, self._table.cursor_row

    def note(self, what: str = "") -> bool:
        """Note what has changed since, called ``what`` or by its parts; whether anything has."""
        before, after = self._seen, self._shown.now
        changed = before != after
        if changed:
            what = what or difference(before, after, self._table.column_title)
            row = self._row if self._row != self._table.cursor_row else None
            self.history = self.history.with_step(ViewStep(what, before, after, row, walk=walk_of(before, after)))
            self._seen, self._row = after, self._table.cursor_row
        return changed

    def note_row(self) -> None:
        """Note where the cursor is, unless that comes of a change that is still to be noted."""
        if self._shown.now == self._seen:
            self._row = self._table.cursor_row

    def note_mark(self, neuron: str, marked: bool) -> None:
        """Note that a neuron was marked, or its mark removed."""
        self.history = self.history.with_step(MarkStep(neuron, marked))

    def undo(self) -> Step | None:
        """Undo the last step; None where there is none."""
        if (past := self.history.undo(self._table.cursor_row)) is None:
            return None
        self.history, step = past
        if isinstance(step, MarkStep):
            self._set_mark(step.neuron, not step.marked)
        else:
            self._shown.show(step.before, step.row)
        self.begin()
        return step

    def redo(self) -> Step | None:
        """Do the step again that was undone last; None where there is none."""
        if (future := self.history.redo()) is None:
            return None
        self.history, step = future
        if isinstance(step, MarkStep):
            self._set_mark(step.neuron, step.marked)
        else:
            self._shown.show(step.after, step.end)
        self.begin()
        return step
