"""The reports of an app: asked for, remembered as they were looked at, and left for the neurons behind their cells."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from mechamap.errors import MechaMapError
from mechamap_tui.report.view import ReportView

if TYPE_CHECKING:
    from mechamap.query.link import Link
    from mechamap.runs.run import Run
    from mechamap_tui.app import MechaMapApp
    from mechamap_tui.jobs.runner import MatchWatch
    from mechamap_tui.report.compare import CompareScreen

__all__ = ["Reports"]


class Reports:
    """Opens them for an app."""

    def __init__(self, app: MechaMapApp) -> None:
        self.app = app
        self._views: dict[tuple[Path | None, ...], ReportView] = {}

    def interpret(self, run: Run) -> None:
        """Show what a run's neurons say of its model, as it was looked at last time."""
        from mechamap_tui.report.interpret import InterpretScreen

        self.app.push_screen(InterpretScreen(run, self._view(run)))

    def compare(self, run: Run) -> None:
        """Ask what to compare a run with, and show what differs."""
        from mechamap_tui.start.run_choice import RunChoice

        def chosen(others: tuple[Path, ...] | None) -> None:
            if others:
                self.app.run_worker(self._compare(run, others), group="compare")

        self.app.push_screen(RunChoice(run), chosen)

    async def _compare(self, run: Run, others: tuple[Path, ...]) -> None:
        from mechamap_tui.report.compare import CompareScreen
        from mechamap_tui.start.reading import ReadingScreen

        runs = [run]
        for path in others:
            found = await self.app.push_screen_wait(ReadingScreen(path)) if path.is_file() else _opened(path)
            if found is None:
                return
            if isinstance(found, MechaMapError):
                self.app.show_error(found)
                return
            runs.append(found)
        self.app.push_screen(CompareScreen(tuple(runs), self._view(*runs)))

    def open_link(self, run: Run, link: Link) -> None:
        """Show the neurons behind a cell of a report; going back leads to the report."""
        from mechamap_tui.browse.screen import BrowseScreen

        self.app.push_screen(BrowseScreen(run, link))

    def match(self, screen: CompareScreen, words: int | None) -> None:
        """Look for the closest neurons of the two runs that a screen compares.

        Raises:
            UsageError: something else is running.
        """
        self._matches.start(screen, words)

    @cached_property
    def _matches(self) -> MatchWatch:
        from mechamap_tui.jobs.runner import MatchWatch

        return MatchWatch(self.app)

    def _view(self, *runs: Run) -> ReportView:
        return self._views.setdefault(tuple(run.path for run in runs), ReportView())


def _opened(folder: Path) -> Run | MechaMapError:
    from mechamap.runs.run import Run

    try:
        return Run.open(folder)
    except MechaMapError as error:
        return error
