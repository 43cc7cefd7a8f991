"""Runs compared on the screen: chosen, asked of the engine, matched beside browsing, and each cell leads to its run."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from support.made_report import keep_activations, made_comparison
from support.recorded_run import recorded_run
from support.report_host import Reader, exploring
from textual.widgets import Input, OptionList

from mechamap.csv_files.run import read_csv
from mechamap.errors import UsageError
from mechamap.exports.registry import ExportRequest, export_run
from mechamap.runs.run import Run
from mechamap_tui.browse.screen import BrowseScreen
from mechamap_tui.dialogs.error import ErrorScreen
from mechamap_tui.jobs.scan import ScanJob
from mechamap_tui.report.compare import CompareScreen
from mechamap_tui.report.view import ReportView
from mechamap_tui.start.run_choice import RunChoice
from mechamap_tui.start.screen import StartScreen


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with three runs, and a CSV beside it."""
    home = tmp_path_factory.mktemp("compared")
    for seed, name in enumerate(("one", "two", "three")):
        run = recorded_run(home / "runs" / name, seed=seed)
    export_run(run, home / "three.csv", ExportRequest("csv"))
    return home


@pytest.fixture(autouse=True)
def home(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MECHAMAP_HOME", str(folder))
    monkeypatch.chdir(tmp_path)
    return folder


@asynccontextmanager
async def comparing(home: Path) -> AsyncIterator[Reader]:
    """Run one compared with run two."""
    one, two = (Run.open(home / "runs" / name) for name in ("one", "two"))
    async with exploring(one) as it:
        it.app.push_screen(CompareScreen((one, two), ReportView()))
        await it.shows_report("A one, B two")
        yield it


async def choose(it: Reader, text: str) -> None:
    it.app.screen.query_one("#which", Input).value = text
    await it.pilot.pause()
    await it.press("enter")


# --- choosing --------------------------------------------------------------------------------------------------


async def test_another_run_is_chosen_by_typing_and_the_engine_is_asked(home: Path) -> None:
    async with exploring(Run.open(home / "runs" / "one")) as it:
        await it.press("d")
        await it.shows(RunChoice)
        await it.until(lambda: bool(it.app.screen._shown))
        assert {Path(entry.value).name for entry in it.app.screen._shown} == {"two", "three"}
        await choose(it, "nothing of the kind")
        assert "No run matches" in it.text()
        await choose(it, "thr")
        await it.shows_report("A one, B three")
        assert it.engine.comparisons == [((home / "runs" / "one", home / "runs" / "three"), None, None)]
        await it.press("q")
        await it.shows(BrowseScreen)


async def test_several_are_marked_and_a_path_leads_to_what_is_elsewhere(home: Path) -> None:
    async with exploring(Run.open(home / "runs" / "one")) as it:
        it.engine.compared = UsageError("They have no figure in common.")
        await it.press("d")
        await it.shows(RunChoice)
        await it.until(lambda: bool(it.app.screen._shown))
        await it.press("down", "space", "k", "space")
        assert "marked: " in it.text()
        await it.press("enter")
        await it.shows(ErrorScreen)
        assert {path.name for path in it.engine.comparisons[0][0]} == {"one", "two", "three"}
        await it.press("enter")
        await it.shows(BrowseScreen)
        await it.press("d")
        await it.shows(RunChoice)
        await choose(it, str(home / "three.csv"))
        await it.shows(ErrorScreen)
        assert it.engine.comparisons[1][0] == (home / "runs" / "one", home / "three.csv")


async def test_runs_of_one_model_are_told_apart_by_the_end_of_their_names_and_each_is_listed_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MECHAMAP_HOME", str(tmp_path))
    names = [f"a-model-{'with-a-long-' * 5}name-{number}" for number in (1, 2, 12)]
    one, *_ = (recorded_run(tmp_path / "runs" / name) for name in names)
    async with exploring(one) as it:
        await it.press("d")
        await it.shows(RunChoice)
        await it.until(lambda: "name-2 " in it.text() and "name-12 " in it.text())
        it.app.screen.query_one("#which", Input).value = names[2]
        await it.until(lambda: [Path(entry.value).name for entry in it.app.screen._shown] == names[2:])


async def test_from_the_start_screen_a_run_is_compared_too_and_the_choice_can_be_left(home: Path) -> None:
    async with exploring(Run.open(home / "runs" / "one")) as it:
        await it.press("q")
        await it.shows(StartScreen)
        await it.until(lambda: "two" in it.text())
        await it.press("down")
        listed = it.app.screen.query_one(OptionList)
        assert listed.has_focus
        await it.press("d")
        await it.shows(RunChoice)
        assert it.app.screen.run_to_compare.name in {"one", "two", "three"}
        await it.press("escape")
        await it.shows(StartScreen)
        assert not it.engine.comparisons


# --- comparing -------------------------------------------------------------------------------------------------


async def test_each_cell_leads_to_the_run_it_is_about_by_whichever_figure(home: Path) -> None:
    async with comparing(home) as it:
        assert "enter: one: layer == 0" in it.text()
        await it.press("2", "h")
        assert "enter: two: layer == 0" in it.text()
        await it.press("enter")
        await it.shows(BrowseScreen)
        assert it.browse.run.name == "two"
        assert len(it.names) == 16
        await it.press("q")
        await it.shows_report("A one, B two")
        assert it.report.view.table == "layers_1"
        await it.press("f")
        await it.until(lambda: it.engine.comparisons[-1][1:] == ("reads", None))
        await it.shows_report("by reads ≥")
        await it.press("f")
        await it.shows_report("by writes ≥")
        assert it.engine.comparisons[-1][1:] == ("writes", None)


# --- closest neurons -------------------------------------------------------------------------------------------


async def test_closest_neurons_are_looked_for_beside_whatever_else_is_done(home: Path) -> None:
    runs = [Run.open(home / "runs" / name) for name in ("one", "two")]
    every = len(runs[0].record.tokens.ids)  # a short text; few neurons would be matched over 100,000 words
    async with comparing(home) as it:
        await it.press("m")
        assert f"runs tiny again (2.0 s when scanned), over up to {every} words of one's text" in it.text()
        await it.press("enter")
        assert it.engine.checks == [(f"match {every}", runs[0].path, (str(runs[1].path),))]
        it.engine.report(stage="match", detail="block 1 of 2", elapsed=3.0)
        await it.until(lambda: "● matching: block 1 of 2  3.0 s" in it.line(0))
        await it.press("2")
        assert it.report.view.table == "layers_1"
        await it.press("q")
        await it.shows(BrowseScreen)
        await it.press("V")
        await it.shows(ErrorScreen)
        assert "The search for closest neurons of one and two is running" in it.text()
        await it.press("enter")
        it.engine.answer(made_comparison(runs, matched=True))
        await it.until(lambda: "The closest neurons of one and two have been found." in it.told)
        assert it.app.explorer.job is None


async def test_as_many_words_are_offered_as_the_command_line_takes(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mechamap_tui.report.compare.usual_words", lambda a, b: (a + b) // 8)
    async with comparing(home) as it:
        await it.press("m")
        assert "over up to 12 words of one's text" in it.text()


async def test_a_scan_that_is_in_the_way_is_cancelled_with_the_key_that_is_named(home: Path) -> None:
    async with comparing(home) as it:
        it.app.explorer.start(ScanJob("demo"))
        await it.press("q", "m", "enter")
        await it.shows(ErrorScreen)
        assert "or press x" in it.text()
        await it.press("enter", "x")
        await it.until(lambda: it.app.explorer.job is None)


async def test_what_is_found_is_shown_where_the_runs_are_compared(home: Path) -> None:
    runs = [Run.open(home / "runs" / name) for name in ("one", "two")]
    async with comparing(home) as it:
        await it.press("m", "ctrl+u", "enter")
        assert it.engine.checks[0][0] == "match all"
        it.engine.answer(made_comparison(runs, matched=True))
        await it.until(lambda: it.report.view.table == "matches_summary")
        assert "Closest neurons" in it.text()
        assert "matching" not in it.line(0)


async def test_a_search_is_cancelled_and_one_that_fails_is_a_dialog(home: Path) -> None:
    async with comparing(home) as it:
        await it.press("m", "x", "enter")
        await it.until(lambda: "is not a valid number of words" in it.text())
        await it.press("escape", "m", "enter", "x")
        await it.until(lambda: "was cancelled" in it.told)
        assert it.app.explorer.job is None
        await it.press("m", "enter")
        it.engine.fail(UsageError("They have read no word in common."))
        await it.shows(ErrorScreen)
        await it.press("enter")
        await it.shows_report("A one, B two")


async def test_kept_activations_are_said_to_be_there_and_a_csv_to_have_none(home: Path) -> None:
    csv = read_csv(home / "three.csv")
    runs = [Run.open(home / "runs" / name) for name in ("one", "two")]
    for run in runs:
        keep_activations(run)
    async with comparing(home) as it:
        await it.press("m")
        assert "the activations were kept" in it.text()
        await it.press("escape")
        it.engine.compared = lambda *_: made_comparison(runs)
        it.app.push_screen(CompareScreen((runs[0], csv), ReportView()))
        await it.until(lambda: len(it.engine.comparisons) == 2 and it.report.report is not None)
        await it.press("m")
        await it.shows(ErrorScreen)
        assert "three.csv is a CSV, with no model behind it" in it.app.screen.error.message


async def test_a_path_at_which_nothing_is_gets_an_answer_also_where_there_is_no_other_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MECHAMAP_HOME", str(tmp_path / "empty"))
    run = recorded_run(tmp_path / "alone")
    async with exploring(run) as it:
        await it.press("d")
        await it.shows(RunChoice)
        await it.until(lambda: "There is no other run yet" in it.text())
        await choose(it, str(tmp_path / "nothing-here"))
        await it.until(lambda: "run or CSV at that path" in it.text())
