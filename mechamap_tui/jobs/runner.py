"""The explorer's current job: started, followed, and ended."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from textual.app import App

from mechamap.errors import MechaMapError, UsageError
from mechamap_tui.jobs.job import AnyJob, JobChanged

if TYPE_CHECKING:
    from mechamap.protocol.messages import Progress
    from mechamap_tui.engine.client import EngineClient

__all__ = ["JobRunner"]


class JobRunner:
    """Runs one job at a time; ``changed`` is called with each change.

    Args:
        app: where its worker runs.
        engine: the client to ask, made when the first job starts.
        changed: called with each change.
    """

    def __init__(
        self, app: App[None], engine: Callable[[], EngineClient], changed: Callable[[JobChanged], None]
    ) -> None:
        self.job: AnyJob | None = None
        self._app, self._engine, self._changed = app, engine, changed

    def start(self, job: AnyJob) -> None:
        """Begin a job.

        Raises:
            UsageError: another one is running.
        """
        if self.job is not None:
            raise UsageError(
                f"{self.job.title} is running; the engine does one thing at a time.",
                "Wait until it ends, or press x to cancel it.",
            )
        job.call = job.ask(self._engine(), partial(self._progressed, job))
        self.job = job
        self._changed(JobChanged(job, news=True))
        self._app.run_worker(self._follow(job), group="job")

    async def cancel(self) -> None:
        """Ask the engine to stop the job that runs."""
        job = self.job
        if job is not None and job.call is not None and not job.cancelling:
            job.cancelling = True
            self._changed(JobChanged(job, news=False))
            await self._engine().cancel(job.call.id)

    async def _follow(self, job: AnyJob) -> None:
        assert job.call is not None
        answer, error = None, None
        try:
            answer = await job.call.answer
        except MechaMapError as problem:
            error = problem
        finally:  # also when the app is closed meanwhile
            self.job = None
            job.end(answer, error)
            self._changed(JobChanged(job, news=True))

    def _progressed(self, job: AnyJob, progress: Progress) -> None:
        if self.job is job:
            self._changed(JobChanged(job, news=job.follow(progress)))
