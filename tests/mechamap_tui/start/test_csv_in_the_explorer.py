"""CSV files that say little are shown with what they have."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from support.browse_host import BrowseHost, browsing
from support.engine_double import EngineDouble
from support.large_csv import write_large_csv
from support.small_csv import written
from support.waiting import painted, until

from mechamap.csv_files import run as reading_of_csv
from mechamap.csv_files.run import read_csv
from mechamap.engine import params as engine_params
from mechamap.engine.calls import Request
from mechamap.engine.kept import Kept
from mechamap.engine.params import run_at
from mechamap.errors import Cancelled, RunError
from mechamap.runs.run import Run
from mechamap_tui.app import MechaMapApp
from mechamap_tui.dialogs.run_info import info_lines
from mechamap_tui.start.reading import ReadingScreen
from mechamap_tui.start.screen import StartScreen
from mechamap_tui.start.target import read_target


@pytest.mark.parametrize(
    ("header", "rows"),
    [
        ("model,layer,neuron,category,avg_activation\n", "m,0,1,,\nm,2,2,,\n"),  # no neuron is under any category
        ("layer,neuron,category,avg_activation\n", "0,1,food,inf\n2,2,food,nan\n"),
        ("layer,neuron,write.food\n", "0,1,3.5\n2,2,-1\n"),  # wide, without means and selectivity
    ],
)
async def test_a_csv_that_lacks_most_figures_can_be_browsed(tmp_path: Path, header: str, rows: str) -> None:
    app = BrowseHost(read_csv(written(tmp_path, rows, header)))
    async with app.run_test(size=(110, 30)) as pilot:
        for key in ("down", "s", "S", "c", "right_square_bracket", "enter", "escape", "down"):
            await pilot.press(key)
        await pilot.pause()
        assert app.is_running and not app.explorer.errors
        assert app.screen_of_run.run.neurons == 2


@pytest.mark.parametrize(
    ("text", "neurons", "figure", "counted"),
    [
        ("layer,neuron,category,avg_activation\n0,1,food,.2\n1,2,food,.9\n", ["L1.N2", "L0.N1"], "mean", ""),
        ("layer,neuron,selectivity.food\n0,0,-.9\n0,1,.8\n", ["L0.N1", "L0.N0"], "reads", "|reads| ≥ .80"),
        ("layer,neuron,selectivity.food,p.food\n0,0,.9,.01\n0,1,.95,1\n", ["L0.N1", "L0.N0"], "reads", "confirmed"),
        ("layer,neuron,selectivity.food,ap.food\n0,0,.95,.6\n0,1,-.9,.7\n", ["L0.N1", "L0.N0"], "ap", "ap ≥ .50"),
    ],
)
async def test_a_csv_is_sorted_by_what_says_most_of_what_it_has(
    tmp_path: Path, text: str, neurons: list[str], figure: str, counted: str
) -> None:
    async with browsing(read_csv(written(tmp_path, text, header=""))) as browser:
        assert browser.names == neurons
        assert f"sorted by {figure} ▼" in browser.title
        assert browser.table.columns[2].key == figure, "what it is sorted by comes first"
        assert (browser.screen.layers_pane.border_subtitle or "") == counted


def test_what_is_told_about_a_csv_that_names_no_model_names_its_file(tmp_path: Path) -> None:
    run = read_csv(written(tmp_path, "0,1,food,0.5\n", "layer,neuron,category,avg_activation\n"))
    lines = [line for kind, line in info_lines(run) if kind == "text"]
    assert f"  {run.record.model.name}" in lines


async def test_reading_a_large_csv_says_how_far_it_is_and_can_be_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MECHAMAP_HOME", str(tmp_path / "home"))
    file = tmp_path / "large.csv"
    write_large_csv(file, layers=16, width=2_000, categories=8, listed=0.9)
    go_on, ended = threading.Event(), threading.Event()

    def step_by_step(path: Path, progress: Callable[[float], None]) -> Run:
        """The real reading, held after its first report."""
        shares: list[float] = []

        def held(share: float) -> None:
            if shares:
                assert go_on.wait(60)
            shares.append(share)
            progress(share)

        try:
            return read_csv(path, held)
        finally:
            assert 0 < shares[-1] < 1, "the thread went on"
            ended.set()

    monkeypatch.setattr(reading_of_csv, "read_csv", step_by_step)
    app = MechaMapApp(read_target(str(file)), engine=EngineDouble())
    async with app.run_test() as pilot:
        await until(pilot, lambda: isinstance(app.screen, ReadingScreen) and app.screen._share > 0)
        reading = app.screen
        assert isinstance(reading, ReadingScreen)
        await until(pilot, lambda: f"{100 * reading._share:.0f} %" in painted(app))
        await pilot.press("q")
        assert isinstance(app.screen, StartScreen)
        go_on.set()
        await until(pilot, ended.is_set)
        await pilot.pause()
        assert isinstance(app.screen, StartScreen)


def test_the_engine_says_how_far_it_reads_a_csv_and_can_be_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_params, "INTERVAL", 0.0)
    file = tmp_path / "large.csv"
    write_large_csv(file, layers=4, width=1_000, categories=8, listed=0.9)
    told: list[str] = []

    def hear(method: str, progress: Mapping[str, Any]) -> None:
        told.append(progress["detail"])
        if len(told) == 2:
            call.cancel.set()

    kept = Kept()
    call = Request(1, "interpret", {}, hear, kept)
    with pytest.raises(Cancelled):
        run_at(file, call)
    assert len(told) == 2 and re.fullmatch(r"reading large.csv: \d+%", told[1])
    assert run_at(file, Request(2, "interpret", {}, lambda *_: None, kept)).neurons == 4_000


def test_one_that_waits_for_anothers_reading_can_be_stopped(tmp_path: Path) -> None:
    path, call = written(tmp_path, "0,1,food,0.5\n"), Request(1, "interpret", {}, lambda *_: None)
    call.cancel.set()
    with call.kept.csvs._reading, pytest.raises(Cancelled):
        run_at(path, call)


def test_the_engine_reads_a_csv_once_and_anew_when_it_changed(tmp_path: Path) -> None:
    path = written(tmp_path, "0,1,food,0.5\n", "layer,neuron,category,avg_activation\n")
    call = Request(1, "interpret", {}, lambda *_: None)
    run = run_at(path, call)
    assert run_at(path, call) is run
    path.write_text(path.read_text(encoding="utf-8") + "0,2,food,0.25\n", encoding="utf-8")
    assert run_at(path, call).neurons == 2
    path.unlink()
    with pytest.raises(RunError, match=r"cannot be read|no file"):
        run_at(path, call)
