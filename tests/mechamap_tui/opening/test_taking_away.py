"""A neuron, and what the table shows, copied as commands and code."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
from support.recorded_run import recorded_run
from support.steer_double import SteerDouble
from support.waiting import until

from mechamap.cli.main import main
from mechamap.runs.kept.notes import Notes
from mechamap_tui.app import MechaMapApp
from mechamap_tui.browse.screen import BrowseScreen
from mechamap_tui.dialogs.error import ErrorScreen
from mechamap_tui.dialogs.file import FileDialog
from mechamap_tui.dialogs.pick import PickScreen
from mechamap_tui.start.target import read_target
from mechamap_tui.terminal.clipboard import copied_file


async def test_a_page_about_the_neuron_is_written_where_the_dialog_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MECHAMAP_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    run = recorded_run(tmp_path / "run")
    Notes(run.path).mark("L0.N3")
    app = MechaMapApp(read_target(str(tmp_path / "run")), engine=SteerDouble())
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: isinstance(app.screen, BrowseScreen))
        screen = app.screen
        assert isinstance(screen, BrowseScreen)
        neuron = screen.neuron
        await pilot.press("Y", "7")
        await until(pilot, lambda: isinstance(app.screen, FileDialog))
        await pilot.press("enter")
        await until(pilot, (tmp_path / f"run-{neuron}.html").is_file)
        await pilot.press("Y", "7")
        await until(pilot, lambda: isinstance(app.screen, FileDialog))
        await pilot.press("down", "right", "down", "right", "enter")
        await until(pilot, (tmp_path / "run-marked.md").is_file)
    assert (tmp_path / f"run-{neuron}.html").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert (tmp_path / "run-marked.md").read_text(encoding="utf-8").startswith("# L0.N3 of tiny")


async def test_what_the_table_shows_is_copied_as_a_command_that_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MECHAMAP_HOME", str(tmp_path / "home"))
    recorded_run(tmp_path / "run")
    app = MechaMapApp(read_target(str(tmp_path / "run")), engine=SteerDouble())
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: isinstance(app.screen, BrowseScreen))
        screen = app.screen
        assert isinstance(screen, BrowseScreen)
        await pilot.press("slash")
        await pilot.press(*"layer")
        await pilot.press("space", "equals_sign", "equals_sign", "space", "1", "enter")
        await pilot.pause()
        shown = screen.neuron
        assert shown is not None and shown.startswith("L1.")
        await pilot.press("Y")
        await until(pilot, lambda: isinstance(app.screen, PickScreen))
        await pilot.press("1")
        await pilot.pause()
        command = copied_file().read_text()
        assert "--where=layer == 1" in shlex.split(command)
        await pilot.press("Y", "3")
        await pilot.pause()
        assert f"run.row_of('{shown}')" in copied_file().read_text()
        await pilot.press("Y", "4")  # a made run does not say where its neurons lie
        await until(pilot, lambda: isinstance(app.screen, ErrorScreen))
    assert main(shlex.split(command)[1:]) == 0
    rows = capsys.readouterr().out.splitlines()
    assert rows[1].split(",")[2] == shown
