"""The search for closest neurons: beside whatever else is done, followed, and shown where the runs are compared."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mechamap.errors import Cancelled, MechaMapError, UsageError
from mechamap_tui.live_check import MATCH, LiveCheck, busy_with
from mechamap_tui.screens.compare import MATCHED, CompareScreen

if TYPE_CHECKING:
    from mechamap.tables.table import Report
    from mechamap_tui.app import MechaMapApp
    from mechamap_tui.engine_values import Progress

__all__ = ["MatchWatch"]


class MatchWatch:
    """Runs one search for an app, as one of its checks: ``app.checking`` while it runs."""

    def __init__(self, app: MechaMapApp) -> None:
        self.app = app

    def start(self, screen: CompareScreen, words: int | None) -> None:
        """Begin; what is found is shown on every screen that compares the runs of this one.

        Raises:
            UsageError: a scan or a check is running.
        """
        app, view = self.app, screen.view
        if busy := busy_with(app):
            raise UsageError(f"{busy} is running; the engine does one thing at a time.", "Wait for it, or press x.")
        a, b = screen.of_runs
        assert a.path is not None and b.path is not None
        app.checking = check = LiveCheck(MATCH, a, other=b)

        def progressed(progress: Progress) -> None:
            if app.checking is check:
                check.progress = progress
                app.checks.show(check)

        check.call = app.engine.match(
            (a.path, b.path), words=words, by=view.by, threshold=view.threshold, on_progress=progressed
        )
        app.checks.show(check)
        app.refresh_bindings()
        app.run_worker(self._follow(check, (view.by, view.threshold)), group="check")

    async def _follow(self, check: LiveCheck, by: tuple[str | None, float | None]) -> None:
        assert check.call is not None
        app = self.app
        try:
            report = await check.call.answer
        except Cancelled:
            app.notify(f"{check.title} was cancelled.", markup=False)
        except MechaMapError as error:
            app.show_error(error)
        else:
            self._show(check, report, by)
        finally:
            app.checking = None
            app.checks.show(None)
            app.refresh_bindings()

    def _show(self, check: LiveCheck, report: Report, by: tuple[str | None, float | None]) -> None:
        shown = False
        for screen in self.app.screen_stack:
            if isinstance(screen, CompareScreen) and [run.path for run in screen.of_runs] == check.paths:
                shown = shown or screen is self.app.screen
                if (screen.view.by, screen.view.threshold) == by:
                    screen.show_report(report, MATCHED)
                else:
                    screen.load()
        if not shown:
            told = f"Closest neurons of {' and '.join(path.name for path in check.paths)} are found."
            self.app.notify(f"{told} They are among the tables of the comparison.", timeout=10, markup=False)
