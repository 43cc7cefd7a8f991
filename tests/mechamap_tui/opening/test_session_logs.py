"""What a session does is logged beside the run, shown, and done again with another run."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.recorded_run import recorded_run
from support.report_host import Reader, exploring
from textual.widgets import Input

from mechamap.cli.main import main
from mechamap.replay.read_log import read_log
from mechamap.replay.session_log import log_folder
from mechamap.runs.kept.notes import Notes
from mechamap.runs.run import Run
from mechamap_tui.browse.screen import BrowseScreen
from mechamap_tui.dialogs.file import FileDialog
from mechamap_tui.dialogs.session_log import LogPage
from mechamap_tui.opening import session_logs
from mechamap_tui.report.counts import CountsScreen


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("MECHAMAP_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(session_logs, "REST", 60.0)  # a view is written with what is done next, however slow this is
    monkeypatch.chdir(tmp_path)
    recorded_run(tmp_path / "home" / "runs" / "second-1")
    return recorded_run(tmp_path / "home" / "runs" / "first-1")


async def filter_by(it: Reader, expression: str) -> None:
    await it.press("slash")
    it.browse.query_one(Input).value = expression
    await it.press("enter")
    await it.until(lambda: it.browse.finding.expression == expression)


def logged(run: Run) -> list[tuple[str, ...]]:
    return [step.words for file in log_folder(run).glob("*.log") for step in read_log(file).steps]


async def test_a_session_is_logged_and_the_same_is_done_with_another_run(
    run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    async with exploring(run) as it:
        assert logged(run) == []  # a run that was only looked at has no log
        await it.press("c")  # the next category
        await filter_by(it, "reads.food > 0 or layer == 2")
        await it.press("right_square_bracket", "right_square_bracket")  # the second layer
        await it.press("g", "m")
        await it.press("N", "c", "c", "c", "c", "c", "c")  # through the categories
        await it.press("F")
        await it.shows(CountsScreen)
        await it.until(lambda: isinstance(it.app.screen, CountsScreen) and it.app.screen.report is not None)
        await it.press("q")
        await it.shows(BrowseScreen)
        marked = Notes(run.path).marked
        assert len(marked) == 1 and marked[0].startswith("L1.")
        it.browse.notes.write_note(marked[0], "what is this?")
        await it.press("colon")
        await it.pilot.pause()
        await it.pilot.press(*"log")
        await it.until(lambda: "what this session did" in it.text())
        await it.press("enter")
        await it.shows(LogPage)
        assert f"mark --neuron {marked[0]}" in it.text()
        await it.press("e")
        await it.shows(FileDialog)
        await it.press("enter")
        await it.until(lambda: Path("first-1-session.log").exists())
        await it.shows(LogPage)
        await it.press("q")
    steps = logged(run)
    assert [step[0] for step in steps] == ["neurons", "notes", "neurons", "count", "notes"]
    where = next(word for word in steps[0] if word.startswith("--where="))
    assert where == "--where=(reads.food > 0 or layer == 2) and layer == 1" and "--category=food" in steps[0]
    (file,) = log_folder(run).glob("*.log")
    assert [step.words for step in read_log("first-1-session.log").steps] == steps
    assert main(["replay", str(file), "second-1", "--out", "told"]) == 0
    second = Notes(run.path.with_name("second-1") if run.path is not None else None)
    assert second.marked == marked and second.note(marked[0]) == "what is this?"
    assert "5 of 5 steps were done" in capsys.readouterr().err


async def test_a_log_that_cannot_be_written_is_told_once_and_stops_nothing(run: Run, tmp_path: Path) -> None:
    assert run.path is not None
    (run.path / "sessions").write_text("in its place", encoding="utf-8")
    (tmp_path / "home" / "sessions").write_text("likewise", encoding="utf-8")
    async with exploring(run) as it:
        await it.press("m", "down", "m", "down", "m")
        assert len(Notes(run.path).marked) == 3
        assert it.told.count("is not logged") == 1
