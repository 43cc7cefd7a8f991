"""The request of a report: sent again as figures and thresholds change, and what is shown until its answer comes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from textual.screen import Screen
from textual.timer import Timer

from mechamap.errors import MechaMapError
from mechamap.tables.table import Report
from mechamap.wording.amounts import duration, quantity
from mechamap_tui.explorer import explorer_of
from mechamap_tui.report.subject import ReportSubject
from mechamap_tui.report.view import ReportView
from mechamap_tui.terminal.textual_internals import is_leaving
from mechamap_tui.widgets.glyphs import JOINT, MARK

if TYPE_CHECKING:
    from mechamap.protocol.messages import Progress

__all__ = ["ReportRequest"]


TICK = 0.25  # seconds
REST = 0.15  # seconds without another change after which a request is sent


class ReportRequest:
    """Requests the report that a view describes.

    Args:
        screen: the one that shows the report.
        show_busy: shows what the engine is doing and for how long; an empty text once it has answered.
    """

    def __init__(
        self, screen: Screen[None], subject: ReportSubject, view: ReportView, show_busy: Callable[[str], None]
    ) -> None:
        self._screen, self._subject, self._view, self._show_busy = screen, subject, view, show_busy
        self._layers = self._layers_now()  # that each run had when the report was requested
        self._answered: tuple[str | None, float | None] = (None, None)  # what the report on the screen is by
        self._again = False
        self._since = 0.0
        self._step = ""  # what the engine says it is doing
        self._ticking: Timer | None = None

    async def send(self, *, again: bool) -> Report:
        """Request the report; ``again`` where one is on the screen already.

        Raises:
            MechaMapError: the engine has no report; :meth:`restore_view` goes back to the previous one.
        """
        self._again, self._since, self._step = again, time.monotonic(), ""
        self._ticking = self._ticking or self._screen.set_interval(TICK, self._tick)
        self._tick()
        try:
            if again:
                await asyncio.sleep(REST)
            self._layers = self._layers_now()
            report = await self._subject.ask(explorer_of(self._screen).engine, self._view, self._hear)
        except MechaMapError:
            self._stop()
            raise
        self._stop()
        self._answered = (self._view.by, self._view.threshold)
        return report

    def restore_view(self) -> None:
        """Judge again as the report on the screen does, where another one could not be made."""
        self._view.by, self._view.threshold = self._answered

    def growth(self, index: int) -> str:
        """How a run, by its index, has grown since the report was requested; empty where it has not."""
        run, reported = self._subject.runs[index], self._layers[index]
        complete = len(run.complete_layers)
        if complete <= reported:
            return ""
        return (
            f"{run.name} had {quantity(reported, 'layer')} when the report was requested and has {complete} "
            "now: there may be more neurons here than the report counts. In the report, t and enter count again."
        )

    def _layers_now(self) -> tuple[int, ...]:
        return tuple(len(run.complete_layers) for run in self._subject.runs)

    def _hear(self, progress: Progress) -> None:
        """Show what the engine says it is doing, with the next tick."""
        self._step = progress.detail

    def _tick(self) -> None:
        if is_leaving(self._screen):  # closed meanwhile: its parts may be gone before the screen is
            return
        busy = ""
        if self._ticking is not None:
            activity = self._subject.activity(self._view.by, again=self._again)
            step = JOINT + self._step if self._step else ""
            busy = f"{MARK} {activity}{step}  {duration(time.monotonic() - self._since, padded=True)}"
        self._show_busy(busy)

    def _stop(self) -> None:
        if self._ticking is not None:
            self._ticking.stop()
            self._ticking = None
        self._tick()
