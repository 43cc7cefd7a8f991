"""A neuron's activations over the text of its run: those that the run kept, else from the engine."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from textual.timer import Timer

from mechamap.errors import MechaMapError
from mechamap.runs.record import CORPUS_FORMAT
from mechamap.runs.run import Run
from mechamap_tui.data.advice_text import error_text
from mechamap_tui.data.experts import routed_positions
from mechamap_tui.data.occurrences import OccurrenceMap
from mechamap_tui.explorer import explorer_of
from mechamap_tui.widgets.line_view import LineView

__all__ = ["NOT_SCORED", "ActivationView", "Activations"]


ASK_AFTER = 0.4  # seconds of rest on a neuron before its activations are asked from the engine
_NO_TEXT = "The run keeps no whole text. The tab contexts has its contexts; enter there opens a window, coloured."
NOT_SCORED = "No position of this text is scored."


@dataclass(frozen=True, slots=True)
class Activations:
    """One neuron's activations, or why there are none.

    Attributes:
        values: ``[positions]``, NaN at those that were not routed to the neuron's expert.
        message: what to say where there are none.
        note: which positions have none.
    """

    values: NDArray[np.float32] | None = None
    message: str = ""
    note: str = ""


class ActivationView(LineView):
    """Shows the activations of the neuron under the cursor; a subclass draws them.

    The engine is asked for those that the run did not keep once the cursor rests on the neuron.
    """

    def __init__(self, run: Run, occurrences: OccurrenceMap, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.run, self.occurrences = run, occurrences
        self.category = ""
        self._row: int | None = None
        self._asking: Timer | None = None

    def take(self, activations: Activations) -> None:
        """Show activations, or the message that says why there are none."""
        raise NotImplementedError

    def show(self, row: int | None, category: str) -> None:
        """Show a neuron."""
        self._row, self.category = row, category
        if self._asking is not None:
            self._asking.stop()
        if row is not None:
            self.take(self._activations(row))

    def scored(self, values: NDArray[np.float32]) -> NDArray[np.bool_]:
        """Which positions scores count: ``[positions]``."""
        scored = np.ones(len(values), dtype=bool)
        scored[list(self.run.excluded)] = False
        return scored

    def _activations(self, row: int) -> Activations:
        """What can be shown of a neuron now; asks the engine where it can provide more."""
        run = self.run
        if run.record.format == CORPUS_FORMAT:
            return Activations(message=_NO_TEXT)
        if not run.has_context:
            return Activations(message="This run has no text: a CSV keeps only the top tokens.")
        layer = int(run.layer_of[row])
        kept = run.activations(layer)
        if kept is not None:
            return self._kept(row, kept)
        if (job := explorer_of(self).job) is not None:
            return Activations(message=f"{job.title} is running; activations are available when it ends.")
        if run.path is None:
            return Activations(message="This run did not keep its activations.")
        self._asking = self.set_timer(ASK_AFTER, lambda: self._ask(layer))
        return Activations(message=f"Loading the model to read the text with layer {layer} ...")

    def _kept(self, row: int, kept: NDArray[np.float16]) -> Activations:
        """A neuron's activations out of its layer's; none where no token was routed to its expert."""
        expert = self.run.expert_of[row]
        values = np.array(kept[row - self.run.layer_rows(int(self.run.layer_of[row])).first_row], dtype=np.float32)
        routed = routed_positions(self.run, row, kept)
        if routed is None:
            return Activations(values)
        if not routed.any():
            return Activations(message=f"No token of this text was routed to expert {expert}.")
        values[~routed] = np.nan
        return Activations(values, note=f"not routed to expert {expert} (activation 0 there)")

    def _ask(self, layer: int) -> None:
        if self.display:  # else another tab was opened meanwhile
            self.run_worker(self._fetch(layer), group="activations", exclusive=True, exit_on_error=False)

    async def _fetch(self, layer: int) -> None:
        assert self.run.path is not None
        try:
            await explorer_of(self).engine.activations(self.run.path, layer)
        except MechaMapError as error:
            self.take(Activations(message=error_text(error)))
            return
        row = self._row  # the cursor may have moved while the model read the text
        if row is not None and int(self.run.layer_of[row]) == layer and self.run.activations(layer) is not None:
            self.show(row, self.category)
