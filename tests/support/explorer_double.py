"""A double of the explorer around a screen: it remembers what the screen asked of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from textual.app import App
from textual.signal import Signal

from mechamap.errors import MechaMapError
from mechamap.protocol.requests import ExportParams
from mechamap.query.link import Link
from mechamap.replay.view import View
from mechamap.runs.run import Run
from mechamap_tui.data.counting import Counting
from mechamap_tui.engine.client import EngineClient
from mechamap_tui.jobs.draft import ScanDraft
from mechamap_tui.jobs.job import AnyJob, JobChanged
from support.engine_double import EngineDouble


class ExplorerDouble:
    """Opens nothing and starts nothing; ``asked`` says by name what it was asked for."""

    def __init__(self, app: App[None], engine: EngineClient | None = None) -> None:
        self.engine = engine or EngineDouble()
        self.job: AnyJob | None = None
        self.job_changes: Signal[JobChanged] = Signal(app, "job changes")
        self.asked: list[str] = []
        self.errors: list[MechaMapError] = []
        self.links: list[Link] = []
        self.view = View()
        self.done: list[list[str]] = []

    def run_job(self, job: AnyJob | None) -> None:
        """Let a job run, or none any more."""
        before, self.job = self.job, job
        if changed := job or before:
            self.job_changes.publish(JobChanged(changed, news=True))

    def start(self, job: AnyJob) -> None:
        self.asked.append(job.activity)

    async def cancel_job(self) -> None:
        self.asked.append("cancel")

    def export(self, order: ExportParams) -> None:
        self.asked.append("write")

    def viewed(self, run: Run, view: View) -> None:
        self.view = view

    def did(self, run: Run, words: Sequence[str] | None, remark: str = "") -> None:
        self.done.append(list(words or ()))

    def show_error(self, error: MechaMapError) -> None:
        self.errors.append(error)

    def back(self) -> None:
        self.asked.append("back")

    def open_target(self, given: str) -> None:
        self.asked.append("target")

    def take_tour(self) -> None:
        self.asked.append("tour")

    def open_run(self, run: Run) -> None:
        self.asked.append("run")

    def open_link(self, run: Run, link: Link) -> None:
        self.links.append(link)

    def open_interpretation(self, run: Run) -> None:
        self.asked.append("interpretation")

    def open_comparison(self, run: Run) -> None:
        self.asked.append("comparison")

    def open_probe(self, run: Run, neuron: str, go: Callable[[str], None]) -> None:
        self.asked.append(f"probe {neuron}")

    def open_steering(self, run: Run, neuron: str, scopes: Mapping[str, Any]) -> None:
        self.asked.append(f"steer {neuron}")

    def take_away(self, run: Run, neuron: str, where: str, sort: str, category: str) -> None:
        self.asked.append(f"take away {neuron}")

    def open_similar(self, run: Run, neuron: str, go: Callable[[str], None]) -> None:
        self.asked.append(f"similar {neuron}")

    def open_counts(self, counting: Counting, show: Callable[[str], None]) -> None:
        self.asked.append(f"counts {counting.by}")
        self.show_counted = show

    def open_export(self, run: Run, scopes: Mapping[str, Any], category: str) -> None:
        self.asked.append("export")

    def open_form(self, draft: ScanDraft) -> None:
        self.asked.append("form")

    def open_new_form(self, model: str = "") -> None:
        self.asked.append("new scan")

    def keep_draft(self, draft: ScanDraft) -> None:
        self.asked.append("draft")
