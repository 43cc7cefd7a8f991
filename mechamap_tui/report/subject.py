"""What a report is about, and how it is requested from the engine."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from mechamap.runs.run import Run
from mechamap.tables.table import Report
from mechamap_tui.report.view import ReportView

if TYPE_CHECKING:
    from mechamap.protocol.messages import Progress
    from mechamap_tui.engine.client import EngineClient

__all__ = ["ReportSubject"]


Ask: TypeAlias = "Callable[[EngineClient, ReportView, Callable[[Progress], None]], Awaitable[Report]]"


@dataclass(frozen=True, slots=True)
class ReportSubject:
    """The runs that a report is about.

    Attributes:
        runs: one or more; the neurons behind a cell are those of one of them.
        doing, done: what is made of them: interpreting, interpreted.
        ask: requests the report that a view describes from the engine; raises MechaMapError where that fails.
    """

    runs: tuple[Run, ...]
    doing: str
    done: str
    ask: Ask

    @property
    def title(self) -> str:
        """The title, before there is a report to give one."""
        return f"{self._names} {self.done}"

    def activity(self, by: str | None, *, again: bool) -> str:
        """What the engine is asked for; ``again`` where the report is on the screen already, under its title."""
        judged_by = f" by {by}" if by else ""
        return f"{self.doing}{judged_by}" if again else f"{self.doing.capitalize()} {self._names}{judged_by}"

    @property
    def _names(self) -> str:
        *others, last = (run.name for run in self.runs)
        return f"{', '.join(others)} and {last}" if others else last
