"""The export dialog: says what will be written, asks before it overwrites, and remembers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support.engine_double import EngineDouble
from support.recorded_run import recorded_run
from support.waiting import until
from textual.pilot import Pilot
from textual.widgets import Input, Static

from mechamap.errors import ExportError
from mechamap.exports.registry import ExportRequest, export_run
from mechamap.runs.run import Run
from mechamap_tui.app import MechaMapApp
from mechamap_tui.browse.screen import BrowseScreen
from mechamap_tui.dialogs.confirm import ConfirmScreen
from mechamap_tui.dialogs.error import ErrorScreen
from mechamap_tui.dialogs.export import ExportChoices, NeuronExport, default_path, row_count
from mechamap_tui.dialogs.file import FileDialog, with_format
from mechamap_tui.start.target import read_target
from mechamap_tui.widgets.choice import Choice


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("MECHAMAP_HOME", str(tmp_path / "home"))
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    return recorded_run(tmp_path / "home" / "runs" / "tiny-1.5b-1")


async def dialog(pilot: Pilot[None]) -> FileDialog:
    await until(pilot, lambda: isinstance(pilot.app.screen, BrowseScreen))
    await pilot.press("e")
    await until(pilot, lambda: isinstance(pilot.app.screen, FileDialog) and pilot.app.focused is not None)
    assert isinstance(pilot.app.screen, FileDialog)
    return pilot.app.screen


def explorer(run: Run) -> tuple[MechaMapApp, EngineDouble]:
    engine = EngineDouble()
    return MechaMapApp(read_target(str(run.path)), engine=engine), engine


@pytest.mark.parametrize("size", [(80, 24), (160, 45)])
async def test_enter_writes_everything_to_the_folder_one_is_in(run: Run, size: tuple[int, int]) -> None:
    app, engine = explorer(run)
    async with app.run_test(size=size) as pilot:
        screen = await dialog(pilot)
        target = Path.cwd() / "tiny-1.5b-1-all.csv"
        assert screen.query_one("#path", Input).value == str(target)
        summary = str(screen.query_one("#summary", Static).render())
        assert "48 neurons" in summary and str(target) in "".join(summary.split("\n"))
        await pilot.press("enter")
        await until(pilot, lambda: bool(engine.exports))
        await until(pilot, lambda: isinstance(app.screen, BrowseScreen))
    [order] = engine.exports
    assert (order.path, order.format, order.wide, order.scope, order.rows) == (target, "csv", False, "all", None)


async def test_the_format_and_the_suffix_follow_each_other(run: Run) -> None:
    app, _ = explorer(run)
    async with app.run_test() as pilot:
        screen = await dialog(pilot)
        path, format = screen.query_one("#path", Input), screen.query_one("#format", Choice)
        await pilot.press("down", "right")
        await until(pilot, lambda: path.value.endswith("tiny-1.5b-1-all.json"))
        path.value = "/tmp/x.md"
        await until(pilot, lambda: format.value == "md")
        assert path.value == "/tmp/x.md"


async def test_a_click_chooses(run: Run) -> None:
    app, _ = explorer(run)
    async with app.run_test() as pilot:
        screen = await dialog(pilot)
        await pilot.click("#columns", offset=(24, 0))
        await until(pilot, lambda: screen.query_one("#columns", Choice).value == "wide")
        assert "48 rows" in str(screen.query_one("#summary", Static).render())


async def test_filtered_neurons_go_in_the_tables_order_and_are_named_after_the_category(run: Run) -> None:
    app, engine = explorer(run)
    async with app.run_test() as pilot:
        await until(pilot, lambda: isinstance(app.screen, BrowseScreen))
        await pilot.press("slash", *"layer == 1", "enter")
        screen = await dialog(pilot)
        screen.query_one("#scope", Choice).value = "filtered"
        await until(pilot, lambda: screen.query_one("#path", Input).value.endswith("tiny-1.5b-1-animal.csv"))
        await pilot.press("enter")
        await until(pilot, lambda: bool(engine.exports))
    [order] = engine.exports
    assert order.rows is not None and sorted(order.rows) == list(range(16, 32))
    assert list(order.rows) == sorted(order.rows, key=lambda row: -run.column("ap", "animal")[row])


async def test_a_file_that_is_there_is_overwritten_only_after_a_question(run: Run) -> None:
    Path("tiny-1.5b-1-all.csv").write_text("precious")
    app, engine = explorer(run)
    async with app.run_test() as pilot:
        screen = await dialog(pilot)
        assert "already" in str(screen.query_one("#summary", Static).render())
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, ConfirmScreen))
        await pilot.press("n")
        await until(pilot, lambda: isinstance(app.screen, FileDialog))
        assert engine.exports == []
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, ConfirmScreen))
        await pilot.press("y")
        await until(pilot, lambda: bool(engine.exports))
    assert engine.exports[0].overwrite


async def test_a_folder_that_is_not_there_is_told_before_anything_is_written(run: Run) -> None:
    app, engine = explorer(run)
    async with app.run_test() as pilot:
        screen = await dialog(pilot)
        screen.query_one("#path", Input).value = "/no/such/folder/x.csv"
        await until(pilot, lambda: screen.query_one("#summary").has_class("-wrong"))
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, ErrorScreen))
        await pilot.press("q")
        await until(pilot, lambda: app.screen is screen)
    assert engine.exports == []


async def test_an_export_that_fails_is_a_dialog(run: Run) -> None:
    app, engine = explorer(run)
    engine.export_error = ExportError("The disk is full.", "Free some space.")
    async with app.run_test() as pilot:
        await dialog(pilot)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, ErrorScreen))


async def test_what_was_chosen_last_is_chosen_again(run: Run, tmp_path: Path) -> None:
    app, engine = explorer(run)
    async with app.run_test() as pilot:
        screen = await dialog(pilot)
        screen.query_one("#format", Choice).value = "json"
        screen.query_one("#path", Input).value = str(tmp_path / "mine.json")
        await pilot.press("enter")
        await until(pilot, lambda: bool(engine.exports))
        screen = await dialog(pilot)
        assert screen.query_one("#format", Choice).value == "json"
        assert screen.query_one("#path", Input).value == str(tmp_path / "tiny-1.5b-1-all.json")


async def test_an_empty_scope_cannot_be_chosen(run: Run) -> None:
    app, _ = explorer(run)
    async with app.run_test() as pilot:
        screen = await dialog(pilot)
        scope = screen.query_one("#scope", Choice)
        for _ in range(4):
            scope.action_choose(1)
            assert scope.value != "marked"


def test_the_row_count_is_what_is_written(run: Run, tmp_path: Path) -> None:
    rows = np.arange(5, 30)
    for wide in (False, True):
        written = export_run(run, tmp_path / f"{wide}.csv", ExportRequest("csv", wide=wide, rows=rows))
        assert row_count(run, rows, wide) == written.rows


def test_names_of_files_are_made_of_safe_characters(run: Run, tmp_path: Path) -> None:
    choices = ExportChoices("json", folder=tmp_path)
    assert default_path(run, "a/b c", choices) == tmp_path / "tiny-1.5b-1-a-b-c.json"


@pytest.mark.parametrize(
    ("path", "format", "expected"),
    [("a.csv", "json", "a.json"), ("pythia-1.4b", "csv", "pythia-1.4b.csv"), ("", "csv", ""), ("x.md", "md", "x.md")],
)
def test_another_format_changes_only_a_known_suffix(path: str, format: str, expected: str) -> None:
    assert with_format(path, NeuronExport.suffixes, format) == expected
