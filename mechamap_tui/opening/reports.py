"""Which report opens when: a run interpreted, or compared with others, each in the view it was left in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from textual.app import App

from mechamap.errors import MechaMapError

if TYPE_CHECKING:
    from mechamap.runs.run import Run
    from mechamap_tui.data.counting import Counting
    from mechamap_tui.report.view import ReportView

__all__ = ["ReportOpening"]


class ReportOpening:
    """Opens reports for an app, and remembers how each was left.

    Args:
        show_error: shows why a chosen run cannot be read.
    """

    def __init__(self, app: App[None], show_error: Callable[[MechaMapError], None]) -> None:
        self._app, self._show_error = app, show_error
        self._views: dict[tuple[Path | None, ...], ReportView] = {}

    def interpret(self, run: Run) -> None:
        """Show what a run's neurons say about its model."""
        from mechamap_tui.report.interpret import InterpretScreen

        self._app.push_screen(InterpretScreen(run, self._view(run)))

    def compare(self, run: Run) -> None:
        """Ask what to compare a run with, and show the comparison."""
        from mechamap_tui.start.run_choice import RunChoice

        def chosen(others: tuple[Path, ...] | None) -> None:
            if others:
                self._app.run_worker(self._compare(run, others), group="compare")

        self._app.push_screen(RunChoice(run), chosen)

    def count(self, counting: Counting, show: Callable[[str], None]) -> None:
        """Show a frequency table; ``show`` is called with the filter for the neurons of a cell that was chosen."""
        from mechamap_tui.report.counts import CountsScreen

        def chosen(where: str | None) -> None:
            if where is not None:
                show(where)

        self._app.push_screen(CountsScreen(counting), chosen)

    async def _compare(self, run: Run, others: tuple[Path, ...]) -> None:
        from mechamap_tui.report.compare import CompareScreen

        runs = [run]
        for path in others:
            try:
                other = await self._read(path)
            except MechaMapError as error:
                self._show_error(error)
                return
            if other is None:
                return
            runs.append(other)
        self._app.push_screen(CompareScreen(tuple(runs), self._view(*runs)))

    async def _read(self, path: Path) -> Run | None:
        """The run in a folder, or read from a CSV; None where reading was cancelled.

        Raises:
            MechaMapError: it cannot be read.
        """
        from mechamap.runs.run import Run
        from mechamap_tui.start.reading import ReadingScreen

        if not path.is_file():
            return Run.open(path)
        outcome = await self._app.push_screen_wait(ReadingScreen(path))
        if isinstance(outcome, MechaMapError):
            raise outcome
        return outcome

    def _view(self, *runs: Run) -> ReportView:
        from mechamap_tui.report.view import ReportView

        return self._views.setdefault(tuple(run.path for run in runs), ReportView())
