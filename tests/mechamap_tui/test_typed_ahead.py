"""Keys that come in one go with the one that opens a prompt, as over a slow line: none is lost, none is a command."""

from __future__ import annotations

from pathlib import Path

import pytest
from engine_double import EngineDouble
from recorded_run import recorded_run
from textual import events
from textual.pilot import Pilot
from waiting import until

from mechamap_tui.app import MechaMapApp
from mechamap_tui.screens.browse import BrowseScreen
from mechamap_tui.target import read_target

NAMES = {"/": "slash", " ": "space", "'": "apostrophe", "\r": "enter"}


def typed_in_one_go(pilot: Pilot[None], text: str) -> None:
    for letter in text:
        pilot.app.post_message(events.Key(NAMES.get(letter, letter), letter))


@pytest.mark.parametrize("times", [1, 2])
async def test_a_filter_typed_in_one_go_is_the_filter_and_nothing_else(tmp_path: Path, times: int) -> None:
    recorded_run(tmp_path / "run")
    app = MechaMapApp(read_target(str(tmp_path / "run")), engine=EngineDouble())
    async with app.run_test() as pilot:
        await pilot.pause()
        screen = app.screen
        assert isinstance(screen, BrowseScreen)
        category = screen.category
        for _ in range(times):
            typed_in_one_go(pilot, "/dead or cake\r")
            await until(pilot, lambda: not screen.prompt.asking and bool(screen.table.order.filters))
            assert screen._expression == "dead or cake"
            assert screen.category == category
            assert app.screen is screen
            assert app.focused is screen.table
            typed_in_one_go(pilot, "N")
            await pilot.pause()
            assert not screen.table.order.filters


async def test_a_name_typed_in_one_go_is_gone_to(tmp_path: Path) -> None:
    run = recorded_run(tmp_path / "run")
    app = MechaMapApp(read_target(str(tmp_path / "run")), engine=EngineDouble())
    async with app.run_test() as pilot:
        await pilot.pause()
        screen = app.screen
        assert isinstance(screen, BrowseScreen)
        typed_in_one_go(pilot, "'2.9\r")
        await until(pilot, lambda: screen.table.cursor_row == run.row_of("L2.N9"))
        assert not screen.prompt.asking
