"""The search for each neuron's closest one in another run."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from mechamap_tui.jobs.job import Job

if TYPE_CHECKING:
    from mechamap.protocol.messages import Progress
    from mechamap.runs.run import Run
    from mechamap.tables.table import Report
    from mechamap_tui.engine.client import EngineClient
    from mechamap_tui.engine.process import EngineCall

__all__ = ["MatchJob"]


class MatchJob(Job["Report"]):
    """Searches two runs; the answer is their comparison, with the closest neurons among its tables.

    Args:
        words: over how many of the text's words; None: all.
        by, threshold: what the comparison judges neurons by.
    """

    def __init__(self, runs: tuple[Run, Run], words: int | None, by: str | None, threshold: float | None) -> None:
        super().__init__(runs)
        self.words, self.by, self.threshold = words, by, threshold

    @property
    def title(self) -> str:
        return f"The search for closest neurons of {' and '.join(run.name for run in self.runs)}"

    @property
    def activity(self) -> str:
        return "matching"

    def ask(self, engine: EngineClient, on_progress: Callable[[Progress], None]) -> EngineCall[Report]:
        return engine.match(self.paths, words=self.words, by=self.by, threshold=self.threshold, on_progress=on_progress)
