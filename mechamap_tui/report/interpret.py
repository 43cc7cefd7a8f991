"""What a run's neurons say of its model: counts, depths, correlations, and the neurons behind them."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import BindingType

from mechamap.errors import UsageError
from mechamap.query.link import Link
from mechamap.runs.run import Run
from mechamap.tables.table import Report
from mechamap_tui.explorer import explorer_of
from mechamap_tui.report.judged import JUDGED_KEYS, JudgedScreen
from mechamap_tui.report.screen import REPORT_KEYS, TABLE_KEYS
from mechamap_tui.report.view import ReportView

__all__ = ["InterpretScreen"]


class InterpretScreen(JudgedScreen, inherit_bindings=False):
    """Interprets one run, by whichever figure and from whichever threshold on."""

    BINDINGS: ClassVar[list[BindingType]] = [*TABLE_KEYS, *JUDGED_KEYS, *REPORT_KEYS]

    def __init__(self, run: Run, view: ReportView) -> None:
        super().__init__((run,), view)

    @property
    def doing(self) -> str:
        by = f" by {self.view.by}" if self.view.by else ""
        return f"interpreting{by}" if self.report is not None else f"Interpreting {self.of_runs[0].name}{by}"

    @property
    def subject(self) -> str:
        return f"{self.of_runs[0].name} interpreted"

    async def asked(self) -> Report:
        path = self.of_runs[0].path
        if path is None:
            raise UsageError(f"{self.of_runs[0].name} is in no file that the engine could read.")
        self.note_layers()
        view, engine = self.view, explorer_of(self).engine
        return await engine.interpret(path, by=view.by, threshold=view.threshold, on_progress=self.hear)

    def link_opened(self, link: Link) -> None:
        self.open_of(0, link)
