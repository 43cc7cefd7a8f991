"""Checking what a run found, from the browse screen: measured, estimated and confirmed beside the browsing."""

from __future__ import annotations

from typing import Any

from mechamap.errors import MechaMapError
from mechamap_tui.live_check import ABLATE, CAUSES, CONFIRM
from mechamap_tui.screens.browse_find import FindScreen

__all__ = ["CheckScreen"]


class CheckScreen(FindScreen):
    """Asks the app around it to check the run."""

    def action_ablate(self) -> None:
        """Measure what the categories lose without the neuron under the cursor."""
        row = self.table.cursor_row
        if row is not None:
            self._check(ABLATE, str(self.run.neuron_name(row)))

    def action_estimate_causes(self) -> None:
        """Estimate what the categories would lose without each of the neurons."""
        self._check(CAUSES)

    def action_confirm_run(self) -> None:
        """Check all findings on words that did not choose them."""
        self._check(CONFIRM)

    def _check(self, kind: str, neuron: str = "") -> None:
        start: Any = self.app.start_check  # type: ignore[attr-defined]  # check_action sees that it is there
        try:
            start(kind, self.run, neuron)
        except MechaMapError as error:
            self.tell(error)

    @property
    def checking(self) -> bool:
        """Whether the app is checking any run."""
        return getattr(self.app, "checking", None) is not None

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "cancel_check":
            return self.checking
        if action in ("ablate", "estimate_causes", "confirm_run"):
            return hasattr(self.app, "start_check")
        return True
