"""Keys and clicks that come in one go, as over a slow line: each does what it would have done alone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from support.engine_double import EngineDouble
from support.recorded_run import recorded_run
from support.waiting import until
from textual import events
from textual.pilot import Pilot
from textual.widgets import Input

from mechamap_tui.app import MechaMapApp
from mechamap_tui.browse.screen import BrowseScreen
from mechamap_tui.start.target import read_target
from mechamap_tui.terminal import keys_in_order

NAMES = {"/": "slash", " ": "space", "'": "apostrophe", "\r": "enter"}


@asynccontextmanager
async def browsing_app(tmp_path: Path) -> AsyncIterator[tuple[MechaMapApp, Pilot[None], BrowseScreen]]:
    """The whole app, browsing a small run."""
    recorded_run(tmp_path / "run")
    app = MechaMapApp(read_target(str(tmp_path / "run")), engine=EngineDouble())
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        screen = app.screen
        assert isinstance(screen, BrowseScreen)
        yield app, pilot, screen


def typed_in_one_go(pilot: Pilot[None], text: str, *keys: str) -> None:
    for letter in text:
        pilot.app.post_message(events.Key(NAMES.get(letter, letter), letter))
    for key in keys:
        pilot.app.post_message(events.Key(key, key if len(key) == 1 else None))


def clicked_in_one_go(pilot: Pilot[None], x: int, y: int) -> None:
    for kind in (events.MouseMove, events.MouseDown, events.MouseUp):
        button = 0 if kind is events.MouseMove else 1
        pilot.app.post_message(kind(None, x, y, 0, 0, button, False, False, False, x, y))


@pytest.mark.parametrize("times", [1, 2])
async def test_a_filter_typed_in_one_go_is_the_filter_and_nothing_else(tmp_path: Path, times: int) -> None:
    async with browsing_app(tmp_path) as (app, pilot, screen):
        category = screen.category
        for _ in range(times):
            typed_in_one_go(pilot, "/dead or cake\r")
            await until(pilot, lambda: not screen.prompt.asking and bool(screen.table.order.filters))
            assert screen.finding.expression == "dead or cake"
            assert screen.category == category
            assert app.screen is screen
            assert app.focused is screen.table
            typed_in_one_go(pilot, "N")
            await pilot.pause()
            assert not screen.table.order.filters


async def test_a_name_typed_in_one_go_is_gone_to(tmp_path: Path) -> None:
    async with browsing_app(tmp_path) as (_, pilot, screen):
        run = screen.run
        typed_in_one_go(pilot, "'2.9\r")
        await until(pilot, lambda: screen.table.cursor_row == run.row_of("L2.N9"))
        assert not screen.prompt.asking


async def test_what_is_corrected_in_one_go_is_corrected_where_it_was_wrong(tmp_path: Path) -> None:
    async with browsing_app(tmp_path) as (app, pilot, screen):
        run = screen.run
        typed_in_one_go(pilot, "'1.3", "backspace", "backspace", "backspace", "2", ".", "9", "enter")
        await until(pilot, lambda: screen.table.cursor_row == run.row_of("L2.N9"))
        typed_in_one_go(pilot, "/cake", "ctrl+u", *"dead", "enter")
        await until(pilot, lambda: bool(screen.table.order.filters))
        assert screen.finding.expression == "dead"
        typed_in_one_go(pilot, "/", "ctrl+u")
        app.post_message(events.Paste("dead or cat"))
        typed_in_one_go(pilot, "", "backspace", *"ke", "home", *"not ", "enter")
        await until(pilot, lambda: screen.finding.expression != "dead")
        assert screen.finding.expression == "not dead or cake", "a paste keeps its place among the keys"


async def test_a_dialog_gets_what_is_typed_after_the_key_that_opens_it(tmp_path: Path) -> None:
    async with browsing_app(tmp_path) as (app, pilot, before):
        typed_in_one_go(pilot, "e", "ctrl+u", *"dogs.csv")
        await until(pilot, lambda: isinstance(app.focused, Input) and app.focused.value == "dogs.csv")
        typed_in_one_go(pilot, "", "escape", "j", "j")
        await until(pilot, lambda: app.screen is before)
        await until(pilot, lambda: before.table.cursor_row == before.table.order.rows[2])


async def test_a_click_keeps_its_place_among_the_keys(tmp_path: Path) -> None:
    async with browsing_app(tmp_path) as (app, pilot, screen):
        table = screen.table
        x, y = table.region.x + 8, table.region.y + 2  # the first row, below the border and the header
        typed_in_one_go(pilot, "jjjjj")
        clicked_in_one_go(pilot, x, y)
        typed_in_one_go(pilot, "jj")
        await until(pilot, lambda: table.cursor_row == table.order.rows[2] and not app._ahead)
        typed_in_one_go(pilot, "jje")
        clicked_in_one_go(pilot, x, y)  # for the dialog, beside its fields
        typed_in_one_go(pilot, "", "escape")
        await until(pilot, lambda: app.screen is screen and table.cursor_row == table.order.rows[4])
        typed_in_one_go(pilot, "e", "escape")
        clicked_in_one_go(pilot, x, y)  # for what the dialog had covered
        await until(pilot, lambda: app.screen is screen and table.cursor_row == table.order.rows[0])


async def test_one_that_is_pressed_while_the_one_before_takes_long_waits_and_is_not_lost(tmp_path: Path) -> None:
    other = Input()

    class Slow(Input):
        async def _on_key(self, event: events.Key) -> None:
            await asyncio.sleep(0.05)
            other.focus()

    async with browsing_app(tmp_path) as (_, pilot, screen):
        await screen.mount(slow := Slow(), other)
        slow.focus()
        await pilot.pause()
        typed_in_one_go(pilot, "abc")
        await until(pilot, lambda: other.value == "bc")


async def test_a_key_whose_way_is_cut_off_does_not_keep_the_next_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keys_in_order, "LONGEST", 0.05)
    async with browsing_app(tmp_path) as (_, pilot, screen):
        monkeypatch.setattr(MechaMapApp, "_climb", lambda *_: None)
        first = screen.table.cursor_row
        typed_in_one_go(pilot, "jj")
        await until(pilot, lambda: screen.table.cursor_row == screen.table.order.rows[2])
        assert first == screen.table.order.rows[0]
