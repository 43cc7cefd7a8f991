"""Which screens ask a run's model about one neuron, and what was typed there before."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from textual.app import App

from mechamap.errors import MechaMapError

if TYPE_CHECKING:
    from mechamap.runs.run import Run
    from mechamap_tui.probe.session import ProbeSession

__all__ = ["ProbeOpening"]


class ProbeOpening:
    """Opens screens about one neuron for an app.

    Args:
        show_error: shows why a run's model cannot be asked.
        did: takes the sentences that were asked, as commands.
    """

    def __init__(
        self,
        app: App[None],
        show_error: Callable[[MechaMapError], None],
        did: Callable[[Run, Sequence[str] | None], None],
    ) -> None:
        self._app, self._show_error, self._did = app, show_error, did
        self._sessions: dict[Path, ProbeSession] = {}

    def probe(self, run: Run, neuron: str, go: Callable[[str], None]) -> None:
        """Ask a neuron with sentences; ``go`` is called with the name of another one that was chosen."""
        from mechamap.replay.actions import probed
        from mechamap_tui.probe.screen import ProbeScreen
        from mechamap_tui.probe.session import ProbeSession

        try:
            session = self._sessions.setdefault(run.folder_with_model(), ProbeSession())
        except MechaMapError as error:
            self._show_error(error)
            return
        session.newly_kept = lambda text: self._did(run, probed(run, neuron, text))
        self._app.push_screen(ProbeScreen(run, neuron, session), _going(go))

    def similar(self, run: Run, neuron: str, go: Callable[[str], None]) -> None:
        """Show the neurons most like one; ``go`` as of :meth:`probe`."""
        from mechamap_tui.probe.similar import SimilarScreen

        try:
            run.folder_with_model()
        except MechaMapError as error:
            self._show_error(error)
            return
        self._app.push_screen(SimilarScreen(run, neuron), _going(go))


def _going(go: Callable[[str], None]) -> Callable[[str | None], None]:
    def chosen(neuron: str | None) -> None:
        if neuron is not None:
            go(neuron)

    return chosen
