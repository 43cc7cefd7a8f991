"""How the steering screen opens: which neurons it is about, and how it was left the last time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from textual.app import App

from mechamap.errors import MechaMapError, UsageError

if TYPE_CHECKING:  # the first frame loads no numpy
    import numpy as np
    from numpy.typing import NDArray

    from mechamap.runs.run import Run
    from mechamap_tui.steer.settings import Steered, SteerSettings

__all__ = ["SteerOpening"]


MOST = 4096  # neurons of a filter that are steered as one


class SteerOpening:
    """Opens the steering screen for an app.

    Args:
        show_error: shows why a run's model cannot be asked.
    """

    def __init__(self, app: App[None], show_error: Callable[[MechaMapError], None]) -> None:
        self._app, self._show_error = app, show_error
        self._settings: dict[Path, SteerSettings] = {}

    def steer(self, run: Run, neuron: str, scopes: Mapping[str, NDArray[np.int64]]) -> None:
        """Steer one neuron; where some are marked, filtered or in sets, ask first which of these.

        Args:
            neuron: under the cursor.
            scopes: row numbers of the marked and the filtered ones.
        """
        from mechamap_tui.dialogs.pick import PickScreen
        from mechamap_tui.steer.settings import Steered

        try:
            run.folder_with_model()
            choices = {"neuron": (f"{neuron}, under the cursor", Steered((neuron,)))}
            for scope, rows in scopes.items():
                if 0 < len(rows) <= MOST and len(rows) < len(scopes["all"]):
                    label = f"the {scope} neurons as one ({len(rows):,})"
                    choices[scope] = (label, Steered(tuple(run.neuron_names(rows))))
            choices |= _sets_of(run)
        except MechaMapError as error:
            self._show_error(error)
            return
        if len(choices) == 1:
            self._open(run, Steered((neuron,)))
            return

        def picked(choice: str | None) -> None:
            if choice is not None:
                self._open(run, choices[choice][1])

        self._app.push_screen(PickScreen("Steer", [(key, label) for key, (label, _) in choices.items()]), picked)

    def _open(self, run: Run, steered: Steered) -> None:
        from mechamap_tui.steer.screen import SteerScreen
        from mechamap_tui.steer.settings import SteerSettings

        try:
            for name in steered.neurons:
                run.row_of(name)
        except UsageError as error:
            self._show_error(error)
            return
        folder = run.folder_with_model()
        screen = SteerScreen(run, steered, self._settings.get(folder, SteerSettings()))

        def left(_: None) -> None:
            self._settings[folder] = screen.settings

        self._app.push_screen(screen, left)


def _sets_of(run: Run) -> dict[str, tuple[str, Steered]]:
    """The sets that the run keeps; a set with neurons that it lacks is refused once it is picked."""
    from mechamap.runs.kept.notes import Notes
    from mechamap_tui.steer.settings import Steered

    return {
        f"set {each.name}": (
            f"the set {each.name} as one ({len(each.neurons):,})",
            Steered(tuple(map(str, each.neurons)), each.name),
        )
        for each in Notes(run.path).sets
    }
