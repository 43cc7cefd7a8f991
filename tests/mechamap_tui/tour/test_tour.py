"""The tour of the example: it says what to press, notices that it was pressed, and is in nobody's way."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.engine_double import EngineDouble
from support.waiting import until
from textual.pilot import Pilot

from mechamap.runs.example.place import EXAMPLE
from mechamap_tui.app import MechaMapApp
from mechamap_tui.browse.screen import BrowseScreen
from mechamap_tui.dialogs.ablation import AblationScreen
from mechamap_tui.dialogs.file import FileDialog
from mechamap_tui.dialogs.text_page import TextPage
from mechamap_tui.report.interpret import InterpretScreen
from mechamap_tui.start.screen import StartScreen
from mechamap_tui.start.target import read_target
from mechamap_tui.tour.panel import TourPanel
from mechamap_tui.tour.steps import NEURON, STEPS


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MECHAMAP_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "home"


def panel(app: MechaMapApp) -> str:
    """What the panel of the screen on top says; empty without one."""
    panels = app.screen.query(TourPanel)
    return f"{panels.first().border_title}: {panels.first().content}" if panels else ""


async def reads(pilot: Pilot[None], *texts: str) -> None:
    app = pilot.app
    assert isinstance(app, MechaMapApp)
    await until(pilot, lambda: all(text in panel(app) for text in texts))


async def test_each_step_is_done_by_its_keys_on_whatever_screen_they_open() -> None:
    app = MechaMapApp(read_target(EXAMPLE), engine=EngineDouble())
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: isinstance(app.screen, BrowseScreen))
        await pilot.press("question_mark", "t")
        await reads(pilot, "Tour 1/6: Categories", "Press c")
        await pilot.press("down", "j")
        await reads(pilot, "Press c")
        await pilot.press("c", "c", "c")
        await reads(pilot, "You pressed c")
        assert isinstance(app.screen, BrowseScreen)
        assert app.screen.category == "food"  # the keys did what they do without a tour
        await pilot.press("f9")
        await reads(pilot, "Tour 2/6: Reading", NEURON)
        await pilot.press("apostrophe", *NEURON, "enter", "t")
        await reads(pilot, "You pressed '")
        await pilot.press("i")  # the next step's key goes on by itself
        await reads(pilot, "Tour 3/6: Confirming", "You pressed i")
        assert isinstance(app.screen, TextPage)
        await pilot.press("escape", "f9")
        await reads(pilot, "Tour 4/6: Ablating", "that takes the model, which is not on this machine")
        await pilot.press("a")
        await until(pilot, lambda: isinstance(app.screen, AblationScreen))
        await reads(pilot, "You pressed a")
        await pilot.press("escape", "r")
        await until(pilot, lambda: isinstance(app.screen, InterpretScreen))
        await reads(pilot, "Tour 5/6: Comparing", "You pressed r")
        await pilot.press("escape", "e")
        await until(pilot, lambda: isinstance(app.screen, FileDialog))
        await reads(pilot, "Tour 6/6: Exporting", "F9 ends it")
        await pilot.press("escape", "f9")
        await until(pilot, lambda: isinstance(app.screen, BrowseScreen) and not panel(app))


async def test_the_tour_opens_the_example_and_ends_where_it_was_begun() -> None:
    app = MechaMapApp(engine=EngineDouble())
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: isinstance(app.screen, StartScreen))
        await pilot.press("f1", "t")
        await reads(pilot, "Tour 1/6")
        assert isinstance(app.screen, BrowseScreen)
        assert app.screen.run.name == EXAMPLE
        await pilot.press("question_mark", "t")
        await until(pilot, lambda: isinstance(app.screen, BrowseScreen) and not panel(app))
        await pilot.press("f9")
        await pilot.pause()
        assert not panel(app)


async def test_the_example_is_the_first_line_and_offers_the_tour_once(home: Path) -> None:
    app = MechaMapApp(engine=EngineDouble())
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: isinstance(app.screen, StartScreen))
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, BrowseScreen))
        assert [message.title for message in app._notifications] == ["The example"]
        assert (home / "runs" / EXAMPLE / "run.json").is_file()
        await pilot.press("q")
        await until(pilot, lambda: isinstance(app.screen, StartScreen))
        screen = app.screen
        assert isinstance(screen, StartScreen)
        await until(pilot, lambda: screen.shown[0].run is not None)
        assert [entry.columns[0] for entry in screen.shown] == [EXAMPLE, "demo"]
        app.clear_notifications()
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, BrowseScreen))
        assert not list(app._notifications)


def test_the_steps_are_six_and_each_is_of_the_browse_screen() -> None:
    titles = ["Categories", "Reading", "Confirming", "Ablating", "Comparing", "Exporting"]
    assert [step.title for step in STEPS] == titles
    for step in STEPS:
        assert all(hasattr(BrowseScreen, f"action_{action}") for action in step.actions)
