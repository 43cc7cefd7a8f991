"""Screens and widgets reach the explorer around them, and hear of jobs as long as they are there."""

from __future__ import annotations

import pytest
from support.explorer_double import ExplorerDouble
from textual.app import App, ComposeResult
from textual.widgets import Static

from mechamap_tui.explorer import ExplorerApp, explorer_of, follow_jobs
from mechamap_tui.jobs.job import AnyJob
from mechamap_tui.jobs.scan import ScanJob


class Follower(Static):
    """Notes each job that it is told of."""

    def __init__(self) -> None:
        super().__init__()
        self.jobs: list[AnyJob] = []

    def on_mount(self) -> None:
        follow_jobs(self, lambda change: self.jobs.append(change.job))


class Host(ExplorerApp):
    explorer: ExplorerDouble

    def __init__(self) -> None:
        super().__init__()
        self.explorer = ExplorerDouble(self)
        self.follower = Follower()

    def compose(self) -> ComposeResult:
        yield self.follower


async def test_a_widget_in_an_app_without_an_explorer_says_so() -> None:
    app: App[None] = App()
    async with app.run_test():
        await app.mount(widget := Static())
        with pytest.raises(TypeError, match="Static stands in an app without an explorer: App"):
            explorer_of(widget)


async def test_a_widget_hears_of_jobs_until_it_is_removed() -> None:
    app, job = Host(), ScanJob("demo")
    async with app.run_test() as pilot:
        assert explorer_of(app.follower) is app.explorer
        app.explorer.run_job(job)
        await pilot.pause()
        assert app.follower.jobs == [job]
        await app.follower.remove()
        app.explorer.run_job(None)
        await pilot.pause()
        assert app.follower.jobs == [job]
