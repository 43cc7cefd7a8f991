"""A run over a corpus in the browse screen while it grows, and after its scan was stopped."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support.browse_host import SIZES, Browser, browsing
from support.made_corpus_run import DOCUMENTS, Shape, begun_corpus_run, made_corpus_run
from support.waiting import until

from mechamap.runs.corpus.tokens import KEPT_FILES
from mechamap.runs.corpus.writing import publish_run
from mechamap.runs.lock import RunLock
from mechamap.runs.run import Run
from mechamap_tui.browse.detail.contexts import ContextView
from mechamap_tui.jobs.scan import ResumeJob

GROWING = Shape(state="running", merged=1)
MORE = (*DOCUMENTS, "One more, about a bird and a loaf of bread.")


async def published(browser: Browser, folder: Path, seed: int) -> None:
    """The scan publishes once more, and the screen shows it."""
    shape = Shape(state="running", merged=2, seed=seed)
    record = browser.screen.run.record
    made_corpus_run(folder, shape, MORE)
    await until(browser.pilot, lambda: browser.screen.run.record is not record)
    await browser.rest()


@pytest.mark.parametrize("size", SIZES)
async def test_the_cursor_stays_on_its_neuron_and_the_title_says_what_figures_rest_on(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    run = made_corpus_run(tmp_path / "run", GROWING)
    async with browsing(run, size=size) as browser:
        await browser.press("j", "j", "j", "j")
        name, order = browser.at, browser.names
        for seed in range(1, 5):
            await published(browser, tmp_path / "run", seed)
            assert browser.at == name
        assert browser.names != order, "the figures have changed the order"
        tokens = f"{sum(len(document.split(' ')) for document in MORE)} tokens so far"
        assert tokens in browser.screen_text()


async def test_panes_that_were_hidden_while_it_grew_are_drawn_when_they_are_shown(tmp_path: Path) -> None:
    run = made_corpus_run(tmp_path / "run", GROWING)
    async with browsing(run, size=(140, 40)) as browser:
        assert "▸all" in browser.screen_text()
        await browser.pilot.resize_terminal(62, 20)
        await browser.rest()
        await published(browser, tmp_path / "run", 1)
        await browser.pilot.resize_terminal(140, 40)
        await browser.rest()
        assert "▸all" in browser.screen_text()


async def test_the_cursor_stays_on_its_context_where_a_higher_one_is_found(tmp_path: Path) -> None:
    run = made_corpus_run(tmp_path / "run", GROWING)
    async with browsing(run) as browser:
        await browser.screen.detail.action_tab("contexts")
        await browser.rest()
        await browser.press("j")
        view = browser.screen.detail.open_view
        assert isinstance(view, ContextView)
        before = view.context
        assert before is not None
        publish_with_a_higher_context(run)
        await until(browser.pilot, lambda: run.figure("highest_values")[0, 0] > 50)
        await browser.rest()
        assert view.context == before
        assert view._cursor == 2


def publish_with_a_higher_context(run: Run) -> None:
    """What a scan publishes when each neuron is highest in a document that was none of its contexts before."""
    assert run.path is not None
    assert run.record.corpus is not None
    kept = run.path / run.record.corpus.kept
    figures = {name: np.array(run.figure(name)) for name in run.record.figures}
    for name, first in (("highest_values", 99.0), ("highest_positions", 1)):
        figures[name][:, 1:] = figures[name][:, :-1]
        figures[name][:, 0] = first
    publish_run(run.path, run.record, figures, {name: np.load(kept / f"{name}.npy") for name in KEPT_FILES})


async def test_the_first_line_says_who_scans_it_and_whether_it_can_be_resumed(tmp_path: Path) -> None:
    run = made_corpus_run(tmp_path / "run", GROWING)
    lock = RunLock(tmp_path / "run")
    async with browsing(run, size=(160, 45)) as browser:
        await until(browser.pilot, lambda: "another process is scanning" in browser.screen_text())
        assert "over 57 tokens so far" in browser.screen_text()
        await browser.press("R")
        assert browser.app.explorer.asked == []
        lock.release()
        await until(browser.pilot, lambda: "unfinished after 1 of 4 shards (R resumes)" in browser.screen_text())
        await browser.press("R")
        assert browser.app.explorer.asked == ["scanning"]


@pytest.mark.parametrize("state", ["cancelled", "failed"])
async def test_a_scan_that_was_stopped_is_told_with_the_key_that_resumes_it(tmp_path: Path, state: str) -> None:
    async with browsing(made_corpus_run(tmp_path / "run", Shape(state=state, merged=3)), size=(160, 45)) as browser:
        assert f"{state} after 3 of 4 shards (R resumes)" in browser.screen_text()


async def test_a_complete_run_has_nothing_to_resume(tmp_path: Path) -> None:
    async with browsing(made_corpus_run(tmp_path / "run"), size=(160, 45)) as browser:
        assert "resume" not in browser.screen_text()
        assert "57 tokens of 4 documents" in browser.screen_text()
        await browser.press("R")
        assert browser.app.explorer.asked == []


async def test_while_the_explorer_scans_it_the_run_shows_its_job(tmp_path: Path) -> None:
    run = begun_corpus_run(tmp_path / "run")
    async with browsing(run, size=(160, 45)) as browser:
        assert "R resumes" in browser.screen_text()
        browser.app.explorer.run_job(ResumeJob(Run.open(tmp_path / "run")))
        await browser.rest()
        assert "R resumes" not in browser.screen_text()
