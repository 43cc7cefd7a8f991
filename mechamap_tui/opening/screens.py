"""Which screen opens when: the explorer that screens see (:class:`mechamap_tui.explorer.Explorer`)."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from textual.app import App
from textual.signal import Signal

from mechamap.errors import MechaMapError
from mechamap.system.log import place_of
from mechamap_tui.jobs.draft import ScanDraft
from mechamap_tui.jobs.runner import JobRunner
from mechamap_tui.opening.browsing import browse_screen
from mechamap_tui.opening.exporting import ExportOpening
from mechamap_tui.opening.probing import ProbeOpening
from mechamap_tui.opening.reports import ReportOpening
from mechamap_tui.opening.session_logs import SessionLogs
from mechamap_tui.opening.steering import SteerOpening
from mechamap_tui.opening.touring import Touring
from mechamap_tui.start.target import Target, read_target, run_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from mechamap.protocol.requests import ExportParams
    from mechamap.query.link import Link
    from mechamap.runs.run import Run
    from mechamap_tui.data.counting import Counting
    from mechamap_tui.data.first_view import FirstView
    from mechamap_tui.engine.client import EngineClient
    from mechamap_tui.jobs.job import AnyJob, JobChanged

__all__ = ["Opening"]

_LOG = logging.getLogger(__name__)


class Opening:
    """Opens screens for an app, and remembers how forms were left.

    Args:
        draft: what stands in the form of a scan at first.
        engine: the client to use; one of its own where not given.
    """

    def __init__(self, app: App[None], draft: ScanDraft, engine: EngineClient | None = None) -> None:
        self.app = app
        self.job_changes: Signal[JobChanged] = Signal(app, "job changes")
        self.logs = SessionLogs(app)
        self.viewed, self.did = self.logs.viewed, self.logs.did
        self._runner = JobRunner(app, lambda: self.engine, self._job_changed)
        self._engine = engine
        if engine is not None:
            engine.on_answer = self.logs.answered
        self._draft = draft
        self._exporting = ExportOpening(app, lambda: self.engine, self.show_error)
        self._reports = ReportOpening(app, self.show_error)
        self._probing = ProbeOpening(app, self.show_error, self.did)
        self._steering = SteerOpening(app, self.show_error)
        self.touring = Touring(app, self.open_target)

    @property
    def engine(self) -> EngineClient:
        if self._engine is None:
            from mechamap_tui.engine.client import EngineClient

            self._engine = EngineClient()
            self._engine.on_answer = self.logs.answered
        return self._engine

    async def close_engine(self) -> None:
        self.logs.flush()
        if self._engine is not None:
            await self._engine.close()

    def kill_engine(self) -> None:
        """End the engine process at once; may be called from any thread."""
        if self._engine is not None:
            self._engine.kill()

    @property
    def engine_runs(self) -> bool:
        """Whether the engine process is there, which may have a model in memory."""
        return self._engine is not None and self._engine.pid is not None

    def free_model(self) -> None:
        """Have the engine give the memory of its model back; it is loaded again when it is needed."""
        self.app.run_worker(self._free_model(), group="release")

    async def _free_model(self) -> None:
        try:
            model = await self.engine.release()
        except MechaMapError as error:
            self.show_error(error)
        else:
            said = f"The memory of {model} is free again." if model else "No model was in memory."
            self.app.notify(said, markup=False)

    # --- errors and going back -------------------------------------------------------------------------------

    def show_error(self, error: MechaMapError) -> None:
        from mechamap_tui.dialogs.error import ErrorScreen

        _LOG.info("an error is shown: %s from %s", type(error).__name__, place_of(error))
        self.app.push_screen(ErrorScreen(error))

    def back(self) -> None:
        if len(self.app.screen_stack) > 2:
            self.app.pop_screen()
            return
        from mechamap_tui.start.screen import StartScreen

        self.app.switch_screen(StartScreen())

    def to_start(self) -> None:
        from mechamap_tui.start.screen import StartScreen

        while not isinstance(self.app.screen, StartScreen):
            self.back()

    # --- runs ------------------------------------------------------------------------------------------------

    def open_first(self, target: Target, first: FirstView) -> None:
        """Open what the command line names: a run at once, anything else from the start screen.

        Args:
            first: what it asks to be shown of a run.
        """
        from mechamap_tui.start.screen import StartScreen

        if target.kind in ("run", "example"):
            try:
                self.app.push_screen(browse_screen(run_of(target), first))
            except MechaMapError as error:
                self.app.push_screen(StartScreen())
                self.show_error(error)
            else:
                self.touring.offer(target)
            return
        self.app.push_screen(StartScreen())
        if target.kind != "nothing":
            self.app.call_after_refresh(self._open, target)

    def open_target(self, typed: str) -> None:
        self._open(read_target(typed))

    def _open(self, target: Target) -> None:
        match target.kind:
            case "run" | "example":
                self.open_run(run_of(target))
                self.touring.offer(target)
            case "csv":
                self._open_csv(target)
            case "model":
                self._open_model(target.typed)

    def _open_model(self, model: str) -> None:
        from mechamap_tui.jobs.scan import ScanJob

        draft = self._draft.with_field("model", model)
        try:
            job = ScanJob(model, draft.changes(), draft)
        except MechaMapError as error:
            self.open_form(draft)
            self.show_error(error)
        else:
            self.start(job)

    def _open_csv(self, target: Target) -> None:
        from mechamap.runs.run import Run
        from mechamap_tui.start.reading import ReadingScreen

        def opened(outcome: Run | MechaMapError | None) -> None:
            if isinstance(outcome, Run):
                self.open_run(outcome)
            elif outcome is not None:
                self.show_error(outcome)

        assert target.path is not None
        self.app.push_screen(ReadingScreen(target.path), opened)

    def open_run(self, run: Run) -> None:
        from mechamap_tui.scan.screen import ScanScreen

        if isinstance(self.app.screen, ScanScreen):
            self.app.switch_screen(browse_screen(run))
        else:
            self.app.push_screen(browse_screen(run))

    def take_tour(self) -> None:
        self.touring.switch()

    def open_link(self, run: Run, link: Link) -> None:
        from mechamap_tui.browse.screen import BrowseScreen

        self.app.push_screen(BrowseScreen(run, link))

    # --- reports ---------------------------------------------------------------------------------------------

    def open_interpretation(self, run: Run) -> None:
        self._reports.interpret(run)

    def open_comparison(self, run: Run) -> None:
        self._reports.compare(run)

    def open_counts(self, counting: Counting, show: Callable[[str], None]) -> None:
        self._reports.count(counting, show)

    # --- one neuron ------------------------------------------------------------------------------------------

    def open_probe(self, run: Run, neuron: str, go: Callable[[str], None]) -> None:
        self._probing.probe(run, neuron, go)

    def open_steering(self, run: Run, neuron: str, scopes: Mapping[str, NDArray[np.int64]]) -> None:
        self._steering.steer(run, neuron, scopes)

    def take_away(self, run: Run, neuron: str, where: str, sort: str, category: str) -> None:
        from mechamap_tui.opening.taking_away import take_away

        take_away(self.app, run, neuron, self.show_error, where=where, sort=sort, category=category)

    def open_similar(self, run: Run, neuron: str, go: Callable[[str], None]) -> None:
        self._probing.similar(run, neuron, go)

    # --- forms -----------------------------------------------------------------------------------------------

    def open_form(self, draft: ScanDraft) -> None:
        from mechamap_tui.scan.form import ScanFormScreen
        from mechamap_tui.scan.screen import ScanScreen

        self._draft = draft
        if isinstance(self.app.screen, ScanScreen):
            self.back()
        self.app.push_screen(ScanFormScreen(draft))

    def open_new_form(self, model: str = "") -> None:
        from mechamap_tui.browse.screen import BrowseScreen

        draft, screen = self._draft, self.app.screen
        if model:
            draft = draft.with_field("model", model)
        elif not draft.model and isinstance(screen, BrowseScreen):
            draft = draft.with_field("model", screen.run.record.model.name)
        self.open_form(draft)

    def keep_draft(self, draft: ScanDraft) -> None:
        self._draft = draft

    # --- exports ---------------------------------------------------------------------------------------------

    def open_export(self, run: Run, scopes: Mapping[str, NDArray[np.int64]], category: str) -> None:
        self._exporting.ask(run, scopes, category)

    def export(self, order: ExportParams) -> None:
        self._exporting.begin(order)

    # --- jobs ------------------------------------------------------------------------------------------------

    @property
    def job(self) -> AnyJob | None:
        return self._runner.job

    def start(self, job: AnyJob) -> None:
        from mechamap_tui.jobs.checks import AblationJob
        from mechamap_tui.jobs.scan import ScanJob

        try:
            job.refuse_unless_possible()
            if isinstance(job, AblationJob) and (measured := job.measured) is not None:
                from mechamap_tui.dialogs.ablation import AblationScreen

                self.app.push_screen(AblationScreen(measured))
                return
            self._runner.start(job)
        except MechaMapError as error:
            self.show_error(error)
            return
        if isinstance(job, ScanJob) and job.run is None:
            from mechamap_tui.scan.screen import ScanScreen

            self._draft = job.draft
            self.app.push_screen(ScanScreen(job))

    async def cancel_job(self) -> None:
        await self._runner.cancel()

    def _job_changed(self, change: JobChanged) -> None:
        from mechamap_tui.opening.outcomes import show_outcome

        self.job_changes.publish(change)
        if change.news:
            self.app.refresh_bindings()
            show_outcome(self.app, self, change.job)
