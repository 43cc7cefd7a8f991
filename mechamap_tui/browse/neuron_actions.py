"""What the browse screen has done with the neuron under its cursor by other screens and dialogs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from textual.screen import Screen

from mechamap_tui.explorer import explorer_of

if TYPE_CHECKING:
    from mechamap.runs.run import Run
    from mechamap_tui.browse.finding import Finding
    from mechamap_tui.browse.table.table import NeuronTable
    from mechamap_tui.browse.views.shown_view import ShownView

__all__ = ["NeuronActions"]


class NeuronActions(Screen[None]):
    """A screen with a neuron under its cursor: asks, steers, takes it away.

    Attributes:
        run: whose neurons they are.
        table: with the cursor.
        finding: which of them are shown.
        shown: how they are shown.
    """

    run: Run
    table: NeuronTable
    finding: Finding
    shown: ShownView

    @property
    def neuron(self) -> str | None:
        """The name of the neuron under the cursor; None where there is none."""
        row = self.table.cursor_row
        return None if row is None else str(self.run.neuron_name(row))

    def did(self, run: Run, words: Sequence[str]) -> None:
        """Write an action to the log of the session."""
        explorer_of(self).did(run, words)

    def action_probe(self) -> None:
        """Ask the neuron under the cursor with a sentence."""
        if (neuron := self.neuron) is not None:
            explorer_of(self).open_probe(self.run, neuron, self.finding.go_to)

    def action_similar(self) -> None:
        """Show the neurons whose activations are most like those of the one under the cursor."""
        if (neuron := self.neuron) is not None:
            explorer_of(self).open_similar(self.run, neuron, self.finding.go_to)

    def action_steer(self) -> None:
        """Turn the neuron under the cursor up and down, or the marked ones, those of the filter, or a set."""
        if (neuron := self.neuron) is not None:
            explorer_of(self).open_steering(self.run, neuron, self.finding.scopes())

    def action_count(self) -> None:
        """Count the neurons of the table by the column under the cursor."""
        explorer_of(self).open_counts(self.finding.counting(), self.finding.filter_by)

    def action_take_away(self) -> None:
        """Copy the neuron under the cursor as a command, or as code that reads it."""
        if (neuron := self.neuron) is not None:
            from mechamap.query.view_query import view_query

            query = view_query(self.run, self.shown.now)
            explorer_of(self).take_away(self.run, neuron, query.where, query.sort, query.category)
