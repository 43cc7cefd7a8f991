"""The start screen: what it lists, how it is filtered, and what opening means."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from support.engine_double import EngineDouble
from support.recorded_run import recorded_run
from support.waiting import until
from textual.widgets import Input, OptionList

from mechamap.runs.library import RunSummary
from mechamap_tui.app import MechaMapApp
from mechamap_tui.browse.screen import BrowseScreen
from mechamap_tui.dialogs.confirm import ConfirmScreen
from mechamap_tui.scan.form import ScanFormScreen
from mechamap_tui.scan.screen import ScanScreen
from mechamap_tui.start.entries import age_text, entries
from mechamap_tui.start.screen import StartScreen
from mechamap_tui.start.target import Target, read_target


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MECHAMAP_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "home"


def start() -> tuple[MechaMapApp, EngineDouble]:
    engine = EngineDouble()
    return MechaMapApp(engine=engine), engine


def shown(app: MechaMapApp) -> list[str]:
    """Names of the entries in the list."""
    screen = app.screen
    assert isinstance(screen, StartScreen)
    return [entry.columns[0] for entry in screen.shown]


async def test_runs_come_first_and_the_bundled_model_is_always_there(home: Path) -> None:
    recorded_run(home / "runs" / "tiny-1")
    app, _ = start()
    async with app.run_test() as pilot:
        await until(pilot, lambda: shown(app) == ["example", "tiny-1", "demo"])


async def test_cached_models_are_listed(tmp_path: Path) -> None:
    snapshot = tmp_path / "hub" / "models--some--model" / "snapshots" / "abc"
    snapshot.mkdir(parents=True)
    (snapshot / "config.json").write_text('{"architectures": ["GPT2LMHeadModel"]}')
    (snapshot / "model.safetensors").write_bytes(b"x")
    app, _ = start()
    async with app.run_test() as pilot:
        await until(pilot, lambda: shown(app) == ["example", "demo", "some/model"])


async def test_typing_filters_and_enter_opens_what_is_highlighted(home: Path) -> None:
    recorded_run(home / "runs" / "tiny-1")
    recorded_run(home / "runs" / "other-1")
    app, _ = start()
    async with app.run_test() as pilot:
        await until(pilot, lambda: len(shown(app)) == 4)
        await pilot.press(*"tiny-1")
        await until(pilot, lambda: shown(app) == ["tiny-1", "tiny-1"])  # the run, and a model of that name
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, BrowseScreen))
        assert isinstance(app.screen, BrowseScreen) and app.screen.run.name == "tiny-1"


async def test_whatever_is_typed_can_be_scanned() -> None:
    app, engine = start()
    async with app.run_test() as pilot:
        await until(pilot, lambda: isinstance(app.screen, StartScreen))
        await pilot.press(*"gpt2", "enter")
        await until(pilot, lambda: isinstance(app.screen, ScanScreen))
    assert engine.scans == [("gpt2", {})]


async def test_demo_is_scanned_by_its_name() -> None:
    app, engine = start()
    async with app.run_test() as pilot:
        await until(pilot, lambda: isinstance(app.screen, StartScreen))
        await pilot.press(*"demo", "enter")
        await until(pilot, lambda: isinstance(app.screen, ScanScreen))
    assert engine.scans == [("demo", {})]


async def test_a_click_opens_too(home: Path) -> None:
    recorded_run(home / "runs" / "tiny-1")
    app, _ = start()
    async with app.run_test() as pilot:
        await until(pilot, lambda: len(shown(app)) == 3)
        await pilot.click("#list", offset=(5, 1))
        await until(pilot, lambda: isinstance(app.screen, BrowseScreen))


async def test_delete_removes_a_run_after_a_question(home: Path) -> None:
    recorded_run(home / "runs" / "tiny-1")
    recorded_run(home / "runs" / "tiny-2")
    app, _ = start()
    async with app.run_test() as pilot:
        await until(pilot, lambda: len(shown(app)) == 4)
        await pilot.press("tab", "delete")
        await until(pilot, lambda: isinstance(app.screen, ConfirmScreen))
        await pilot.press("n")
        await until(pilot, lambda: isinstance(app.screen, StartScreen))
        assert len(list((home / "runs").iterdir())) == 2
        await pilot.press("delete")
        await until(pilot, lambda: isinstance(app.screen, ConfirmScreen))
        await pilot.press("y")
        await until(pilot, lambda: isinstance(app.screen, StartScreen) and shown(app) == ["example", "tiny-1", "demo"])
        assert [path.name for path in (home / "runs").iterdir()] == ["tiny-1"]


async def test_a_model_cannot_be_removed() -> None:
    app, _ = start()
    async with app.run_test() as pilot:
        await until(pilot, lambda: isinstance(app.screen, StartScreen))
        await pilot.press("tab", "delete")
        await pilot.pause()
        assert isinstance(app.screen, StartScreen)


async def test_the_form_takes_what_was_typed() -> None:
    app, _ = start()
    async with app.run_test() as pilot:
        await until(pilot, lambda: isinstance(app.screen, StartScreen))
        await pilot.press(*"gpt2", "ctrl+n")
        await until(pilot, lambda: isinstance(app.screen, ScanFormScreen))
        await pilot.pause()
        assert app.screen.query_one("#field-model", Input).value == "gpt2"


async def test_escape_goes_from_the_list_to_the_text_and_empties_it() -> None:
    app, _ = start()
    async with app.run_test() as pilot:
        await until(pilot, lambda: isinstance(app.screen, StartScreen))
        await pilot.press(*"gpt2", "down")
        assert isinstance(app.focused, OptionList)
        await pilot.press("escape")
        assert isinstance(app.focused, Input)
        await pilot.press("escape")
        assert app.screen.query_one("#what", Input).value == ""


def test_names_with_markup_are_shown_as_they_are(tmp_path: Path) -> None:
    run = RunSummary("[red]x[/]\x1b[31m", tmp_path, "m", "running", "", 5, 1, 3, 2, 100)
    [_, entry, _] = entries([run], [])
    assert entry.columns[1] == "scanning, 1/3 layers"
    assert entry.matches("[RED] scann") and not entry.matches("blue")


@pytest.mark.parametrize(
    ("ago", "text"),
    [
        (timedelta(seconds=5), "just now"),
        (timedelta(minutes=1, seconds=2), "1 minute ago"),
        (timedelta(hours=5), "5 hours ago"),
        (timedelta(days=3), "3 days ago"),
        (timedelta(days=800), "2 years ago"),
    ],
)
def test_ages_are_told_in_words(ago: timedelta, text: str) -> None:
    assert age_text((datetime.now(UTC) - ago).isoformat()) == text


def test_an_age_that_nobody_wrote_is_not_told() -> None:
    assert age_text("") == ""


def test_the_argument_is_a_run_a_csv_or_a_model(home: Path, tmp_path: Path) -> None:
    run = recorded_run(home / "runs" / "tiny-1").path
    recorded_run(tmp_path / "here")
    assert read_target("") == Target("nothing")
    assert read_target("tiny-1") == Target("run", "tiny-1", run)
    assert read_target(str(run)).kind == read_target(f"{run}/run.json").kind == "run"
    assert read_target("./here").path == Path("here")
    assert read_target("x.CSV").kind == "csv"
    assert read_target("gpt2").kind == read_target("a/b").kind == read_target("m.gguf").kind == "model"
