"""What a run's neurons say about its model: counts, depths, correlations, and the neurons behind them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from mechamap.errors import UsageError
from mechamap.runs.run import Run
from mechamap.tables.table import Report
from mechamap_tui.report.screen import ReportScreen
from mechamap_tui.report.subject import ReportSubject
from mechamap_tui.report.view import ReportView

if TYPE_CHECKING:
    from mechamap.protocol.messages import Progress
    from mechamap_tui.engine.client import EngineClient

__all__ = ["InterpretScreen"]


class InterpretScreen(ReportScreen):
    """Interprets one run, by whichever figure and from whichever threshold on."""

    def __init__(self, run: Run, view: ReportView) -> None:
        async def ask(engine: EngineClient, view: ReportView, listener: Callable[[Progress], None]) -> Report:
            if run.path is None:
                raise UsageError(f"{run.name} has no file for the engine to read.")
            return await engine.interpret(run.path, by=view.by, threshold=view.threshold, on_progress=listener)

        super().__init__(ReportSubject((run,), "interpreting", "interpreted", ask), view)
