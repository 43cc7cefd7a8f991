"""What a user changed about a table, step by step: a plain value that steps are added to, undone and done again."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeAlias

from mechamap.runs.views.table_view import TableView

__all__ = ["History", "MarkStep", "Step", "ViewStep"]


LONGEST = 200  # steps


@dataclass(frozen=True, slots=True)
class ViewStep:
    """Another view was shown.

    Attributes:
        what: the change in words, as in ``filter layer > 5``.
        before, after: the views.
        row: the neuron that was under the cursor before, where it has moved to another; else None.
        end: the one under the cursor when the step was undone; None: it was not.
        walk: the kind of step of which many in a row are one, such as going through the layers; empty: none.
    """

    what: str
    before: TableView
    after: TableView
    row: int | None = None
    end: int | None = None
    walk: str = ""


@dataclass(frozen=True, slots=True)
class MarkStep:
    """A neuron was marked, or its mark removed."""

    neuron: str
    marked: bool

    @property
    def what(self) -> str:
        """The change in words."""
        return f"mark on {self.neuron}" if self.marked else f"mark removed from {self.neuron}"


Step: TypeAlias = "ViewStep | MarkStep"


@dataclass(frozen=True, slots=True)
class History:
    """The steps that can be undone, and those that can be done again, the last ones at the end; bounded."""

    done: tuple[Step, ...] = ()
    undone: tuple[Step, ...] = ()

    def with_step(self, step: Step) -> History:
        """After a further step; what was undone before cannot be done again."""
        last = self.done[-1] if self.done else None
        if isinstance(step, ViewStep) and isinstance(last, ViewStep) and step.walk and step.walk == last.walk:
            joined = replace(step, before=last.before, row=step.row if last.row is None else last.row)
            return History((*self.done[:-1], *((joined,) if joined.before != joined.after else ())))
        return History((*self.done, step)[-LONGEST:])

    def undo(self, row: int | None = None) -> tuple[History, Step] | None:
        """The history without its last step, and that step; None where there is none.

        Args:
            row: the neuron under the cursor now, to which doing the step again returns.
        """
        if not self.done:
            return None
        step = self.done[-1]
        undone = replace(step, end=row) if isinstance(step, ViewStep) else step
        return History(self.done[:-1], (*self.undone, undone)), step

    def redo(self) -> tuple[History, Step] | None:
        """The history with the step that was undone last, and that step; None where there is none."""
        if not self.undone:
            return None
        return History((*self.done, self.undone[-1]), self.undone[:-1]), self.undone[-1]
