"""The ladder that the engine is asked for; the last answer stays until the next one comes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from textual.screen import Screen

from mechamap.errors import Cancelled, MechaMapError
from mechamap.protocol.messages import Progress
from mechamap.protocol.steering import Ladder
from mechamap_tui.data.advice_text import error_text
from mechamap_tui.explorer import explorer_of
from mechamap_tui.steer.settings import Steered, SteerSettings
from mechamap_tui.terminal.textual_internals import is_leaving
from mechamap_tui.widgets.progress import stage_text

__all__ = ["LadderAsking"]


class LadderAsking:
    """Asks for ladders, one at a time: a newer question stops the one before.

    Args:
        screen: whose workers are used.
        run: folder of the run.
        changed: called when there is something new to show.

    Attributes:
        ladder: the last answer.
        settings: that it was asked with.
        message: what is going on, or why there is no answer; empty: there is.
        busy: whether an answer is awaited.
    """

    def __init__(self, screen: Screen[None], run: Path, changed: Callable[[], None]) -> None:
        self._screen, self._run, self._changed = screen, run, changed
        self.ladder: Ladder | None = None
        self.settings = SteerSettings()
        self.message = ""
        self.busy = False

    def ask(self, settings: SteerSettings, steered: Steered) -> None:
        """Ask for a ladder, in place of one that is awaited."""
        self.busy, self.message = True, "asking"
        self._changed()
        self._screen.run_worker(self._ask(settings, steered), group="ladder", exclusive=True, exit_on_error=False)

    def cancel(self) -> None:
        """Stop waiting for an answer; the last one stays."""
        if self.busy:
            self._screen.workers.cancel_group(self._screen, "ladder")
            self.busy, self.message = False, "cancelled"
            self._changed()

    async def _ask(self, settings: SteerSettings, steered: Steered) -> None:
        call = explorer_of(self._screen).engine.steer(settings.params(self._run, steered), on_progress=self._progress)
        try:
            ladder = await call.answer
        except Cancelled:
            return  # a newer question overtook it
        except MechaMapError as error:
            self._show(error_text(error))
            return
        self.ladder, self.settings = ladder, settings
        self._show("")

    def _progress(self, progress: Progress) -> None:
        if self.busy and not is_leaving(self._screen):
            self.message = stage_text(progress)
            self._changed()

    def _show(self, message: str) -> None:
        self.busy, self.message = False, message
        if not is_leaving(self._screen):
            self._changed()
