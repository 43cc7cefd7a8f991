"""One job runs at a time, and whoever follows it hears how it begins, goes on and ends."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.engine_double import EngineDouble
from support.recorded_run import recorded_run
from textual.app import App

from mechamap.errors import Cancelled, EngineError, UsageError
from mechamap.protocol.messages import CausesEstimated, Progress
from mechamap_tui.jobs.checks import CausesJob, ConfirmJob
from mechamap_tui.jobs.job import JobChanged
from mechamap_tui.jobs.runner import JobRunner
from mechamap_tui.jobs.scan import ScanJob


class Runner(App[None]):
    """An app with nothing but a runner, and what it told."""

    def __init__(self) -> None:
        super().__init__()
        self.engine = EngineDouble()
        self.told: list[JobChanged] = []
        self.runner = JobRunner(self, lambda: self.engine, self.told.append)


async def test_a_job_is_followed_from_its_beginning_to_its_answer(tmp_path: Path) -> None:
    app, job = Runner(), CausesJob(recorded_run(tmp_path / "run"))
    async with app.run_test() as pilot:
        app.runner.start(job)
        app.engine.report(layers_done=1, layers_total=2)
        assert [change.news for change in app.told] == [True, False] and job.progress.layers_done == 1
        app.engine.answer(CausesEstimated(tmp_path / "run", 2.0))
        await pilot.pause()
        assert app.runner.job is None and job.ended and job.answer is not None and job.error is None
        assert app.told[-1] == JobChanged(job, news=True)


async def test_a_second_job_is_refused_while_one_runs(tmp_path: Path) -> None:
    app, run = Runner(), recorded_run(tmp_path / "run")
    async with app.run_test():
        app.runner.start(first := CausesJob(run))
        with pytest.raises(UsageError, match="The estimate of causes of run is running"):
            app.runner.start(ConfirmJob(run))
        assert app.runner.job is first and len(app.engine.checks) == 1


@pytest.mark.parametrize("error", [EngineError("The engine died."), Cancelled("stopped")])
async def test_a_job_that_fails_makes_room_for_the_next_one(tmp_path: Path, error: EngineError | Cancelled) -> None:
    app, run = Runner(), recorded_run(tmp_path / "run")
    async with app.run_test() as pilot:
        app.runner.start(failing := CausesJob(run))
        app.engine.fail(error)
        await pilot.pause()
        assert failing.ended and failing.answer is None and failing.error is error
        app.runner.start(ConfirmJob(run))
        assert [kind for kind, *_ in app.engine.checks] == ["causes", "confirm"]


async def test_a_job_is_stopped_once_however_often_that_is_asked(tmp_path: Path) -> None:
    app, job = Runner(), CausesJob(recorded_run(tmp_path / "run"))
    async with app.run_test() as pilot:
        app.runner.start(job)
        assert job.doing == "estimating causes"
        await app.runner.cancel()
        assert job.doing == "stopping"
        await app.runner.cancel()  # the double fails where it is asked twice
        await pilot.pause()
        assert isinstance(job.error, Cancelled)


def test_a_scan_that_reads_its_second_text_says_so_when_it_is_to_be_stopped() -> None:
    scan = ScanJob("demo")
    assert (scan.title, scan.kept) == ("The scan of demo", "finished layers are kept")
    scan.follow(Progress("second look", "512 tokens read"))
    assert (scan.title, scan.kept) == ("The reading of a second text with demo", "the scan is complete and stays")
