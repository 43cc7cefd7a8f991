"""Undo, the dialogs of columns and of named views, by keys."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from support.browse_host import BrowseHost, Browser, browsing
from support.recorded_run import recorded_run

from mechamap.runs.run import Run


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return recorded_run(tmp_path / "run")


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the explorer has told; on a busy machine a notification may be gone when a test looks."""
    heard: list[str] = []
    notify = BrowseHost.notify

    def noted(app: BrowseHost, message: str, **options: Any) -> None:
        heard.append(message)
        notify(app, message, **options)

    monkeypatch.setattr(BrowseHost, "notify", noted)
    return heard


async def enter(browser: Browser, key: str, text: str) -> None:
    await browser.ask(key, text)
    await browser.press("enter")


async def test_each_change_is_undone_and_said_and_done_again(run: Run, told: list[str]) -> None:
    async with browsing(run) as browser:
        before, at = browser.names, browser.at
        await enter(browser, "slash", "layer > 0")
        await browser.press("l", "s")
        await browser.press("c")
        await browser.press("m")
        await browser.press("minus")
        marked = browser.at
        names, end = browser.names, browser.at
        for what in (
            "column reads hidden",
            f"mark on {marked}",
            "category food",
            "sort by reads ▼",
            "filter layer > 0",
        ):
            await browser.press("u")
            assert told[-1] == f"Undone: {what}. U does it again."
        assert (browser.names, browser.at) == (before, at)
        assert not browser.screen.notes.marked
        assert "category animal" in browser.title and "sorted by ap ▼" in browser.title
        await browser.press("u")
        assert told[-1] == "Nothing is left to undo."
        await browser.press(*"UUUUU")
        assert told[-1] == "Done again: column reads hidden. u undoes it."
        assert (browser.names, browser.at, browser.screen.notes.marked) == (names, end, (marked,))
        assert "reads" not in browser.painted("#neurons").splitlines()[1]
        await browser.press("u", "c", "U")
        assert told[-1] == "Nothing was undone.", "a further change takes its place"


async def test_filters_that_going_to_a_neuron_cleared_come_back_with_the_cursor(run: Run) -> None:
    async with browsing(run) as browser:
        await enter(browser, "slash", "layer == 0")
        await browser.press("1", "j", "2", "j")
        at = browser.at
        await enter(browser, "apostrophe", "L2.N5")
        assert (browser.at, browser.screen.finding.expression) == ("L2.N5", "")
        await browser.press("u")
        assert (browser.at, browser.screen.finding.expression) == (at, "layer == 0")
        assert browser.screen.layers_pane.layer_shown == 0
        assert "only layer 0 and layer == 0" in browser.screen_text()


async def test_columns_are_chosen_in_a_dialog_and_are_one_step(run: Run, told: list[str]) -> None:
    async with browsing(run) as browser:
        await browser.press("o")
        shown = browser.screen_text()
        assert "▸ [x] ap" in shown and "[x] top tokens" in shown and "what is left" in shown
        await browser.press("space", "j", "J", "j", "j", "greater_than_sign")
        assert "[ ] ap" in browser.screen_text()
        await browser.press("escape")
        assert "ap▼" in browser.painted("#neurons"), "leaving changes nothing"
        await browser.press("o", "space", "j", "J", "enter")
        header = browser.painted("#neurons").splitlines()[1].split()
        assert header[1:5] == ["L", "N", "writes", "reads"]
        await browser.press("u")
        assert told[-1] == "Undone: column ap hidden, columns moved. U does it again."
        assert browser.painted("#neurons").splitlines()[1].split()[1:5] == ["L", "N", "ap▼", "reads"]


async def test_a_view_is_kept_shown_renamed_and_removed(run: Run, told: list[str]) -> None:
    async with browsing(run) as browser:
        await enter(browser, "slash", "reads > 0")
        await browser.press("c", "l", "s", "l", "S", "b", "a")
        await enter_name(browser, "rising food")
        names = browser.names
        await browser.press("b", "enter")
        assert browser.names != names and "48 of 48" in browser.title and "category animal" in browser.title
        await browser.press("b", "j")
        line = next(line for line in browser.screen_text().splitlines() if "rising food" in line)
        assert "filter reads > 0, category food, sort by reads ▼, then writes ▼" in line
        await browser.press("enter")
        assert browser.names == names
        assert told[-1] == "Shown: view rising food. u goes back."
        await browser.press("u")
        assert told[-1] == "Undone: view rising food. U does it again."
        await browser.press("b", "j", "r")
        await enter_name(browser, "food up")
        assert "food up" in browser.screen_text() and "rising food" not in browser.screen_text()
        await browser.press("d", "y")
        assert "food up" not in browser.screen_text()
        await browser.press("q")
    assert run.path is not None
    assert json.loads((run.path / "views.json").read_text())["views"] == {}


async def test_damaged_views_are_lines_and_what_a_run_does_not_have_is_left_out(run: Run, told: list[str]) -> None:
    assert run.path is not None
    views = {
        "bad": {"where": 1},
        "old": {"where": "gone > 1", "category": "gone", "layer": 99, "sort": ["-gone", "layer"], "hidden": ["gone"]},
    }
    (run.path / "views.json").write_text(json.dumps({"views": views}))
    async with browsing(run) as browser:
        await browser.press("b", "G", "enter")
        assert "bad is damaged" in told[-1]
        await browser.press("k", "enter")
        assert told[-1].startswith("The filter gone > 1 is left out:")
        assert "category animal" in browser.title and "sorted by L ▲" in browser.title and "48 of 48" in browser.title
        (run.path / "views.json").write_text("{")
        await browser.press("b")
        assert "does not hold views" in browser.app.explorer.errors[0].message


async def enter_name(browser: Browser, name: str) -> None:
    """Type a name over the one that the prompt offers."""
    await browser.press("ctrl+u", *name, "enter")
