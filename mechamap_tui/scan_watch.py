"""The scan of the explorer: started, followed onto the screens that show it, and brought to an end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from mechamap.errors import Cancelled, MechaMapError, UsageError
from mechamap_tui.live_scan import LiveScan
from mechamap_tui.scan_draft import ScanDraft
from mechamap_tui.screens.browse import BrowseScreen
from mechamap_tui.screens.scan import ScanScreen
from mechamap_tui.screens.start import StartScreen
from mechamap_tui.widgets.progress import ScanProgress

if TYPE_CHECKING:
    from mechamap_tui.app import MechaMapApp
    from mechamap_tui.engine_values import Progress

__all__ = ["ScanWatch"]


class ScanWatch:
    """Runs one scan at a time for an app; ``app.live`` is the one that runs."""

    def __init__(self, app: MechaMapApp) -> None:
        self.app = app

    def start(self, model: str, changes: Mapping[str, object], draft: ScanDraft) -> None:
        """Begin a scan and show its progress; its run takes that place with its first layers.

        Raises:
            UsageError: another one is running.
        """
        app = self.app
        if app.live is not None:
            raise UsageError(f"A scan of {app.live.model} is running.", "Wait for it, or cancel it with x.")
        if app.checking is not None:
            raise UsageError(f"{app.checking.title} is running.", "Wait for it, or cancel it with x where the run is.")
        app.live = live = LiveScan(model, draft)
        live.call = app.engine.scan(
            model, changes, config_file=draft.config_file, on_progress=lambda progress: self._progressed(live, progress)
        )
        app.push_screen(ScanScreen(live))
        app.run_worker(self._follow(live), group="scan")
        app.refresh_bindings()

    async def cancel(self) -> None:
        """Stop the running scan; its finished layers are kept."""
        live = self.app.live
        if live is not None and live.call is not None and not live.cancelling:
            live.cancelling = True
            self.show(live.progress)
            await self.app.engine.cancel(live.call.id)

    def show(self, progress: Progress | None) -> None:
        """Tell every line that shows the scan, on screens that are covered too; None: it is over."""
        for screen in self.app.screen_stack:
            for line in screen.query(ScanProgress):
                line.show(progress)
            if isinstance(screen, ScanScreen) and screen.is_mounted:
                screen.show()

    async def _follow(self, live: LiveScan) -> None:
        assert live.call is not None
        error: MechaMapError | None = None
        try:
            result = await live.call.answer
            live.look(result.run)
        except MechaMapError as problem:
            error = problem
            if live.run_path is not None:
                live.look(live.run_path)
        finally:
            self.app.live = None
            self.show(None)
        self._refresh_run(live)
        self.app.refresh_bindings()
        self._tell_end(live, error)
        self._settle(live, ended=True)
        self._reload_start()
        if error is not None and not isinstance(error, Cancelled):
            self.app.show_error(error)

    def _progressed(self, live: LiveScan, progress: Progress) -> None:
        if self.app.live is not live:
            return
        news = live.follow(progress)
        self.show(progress)
        if news:
            self._refresh_run(live)
            self._settle(live, ended=False)
            self._reload_start()

    def _refresh_run(self, live: LiveScan) -> None:
        for screen in self.app.screen_stack:
            if not isinstance(screen, BrowseScreen) or live.run is None or screen.run.path != live.run.path:
                continue
            if screen.run is not live.run:
                screen.run.refresh()
            screen.call_after_refresh(screen.refresh_run)  # it may have been opened a moment ago

    def _settle(self, live: LiveScan, *, ended: bool) -> None:
        """Put the run, or the form again, in the place of the scan's progress once it is time."""
        if not ended and not live.can_be_browsed:
            return
        for screen in self.app.screen_stack:
            if isinstance(screen, ScanScreen) and screen.live is live:
                screen.settle(live.run if live.can_be_browsed else None)

    def _tell_end(self, live: LiveScan, error: MechaMapError | None) -> None:
        notify = self.app.notify
        if live.run is None:
            if isinstance(error, Cancelled):
                notify("Cancelled before the first layer.", markup=False)
            return
        done, layers = len(live.run.complete_layers), len(live.run.layers)
        if isinstance(error, Cancelled):
            notify(f"Cancelled; {done} of {layers} layers are kept in {live.run.name}.", markup=False)
        elif error is None and live.run.record.problems:
            notify("\n".join(live.run.record.problems), severity="warning", timeout=15, markup=False)
        elif error is None and not self._is_shown(live):
            notify(f"{live.run.name} is complete.", markup=False)

    def _is_shown(self, live: LiveScan) -> bool:
        """Whether the scan or its run is what the user is looking at."""
        screen = self.app.screen
        if isinstance(screen, ScanScreen):
            return screen.live is live
        return isinstance(screen, BrowseScreen) and screen.run.path == live.run_path

    def _reload_start(self) -> None:
        if isinstance(self.app.screen, StartScreen):
            self.app.screen.reload()
