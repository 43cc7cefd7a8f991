"""What is pasted into fields of the explorer."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from support.engine_double import EngineDouble
from support.recorded_run import recorded_run
from support.terminal import Terminal
from support.waiting import until
from textual import events
from textual.pilot import Pilot
from textual.widgets import Input, TextArea

from mechamap_tui.app import MechaMapApp
from mechamap_tui.browse.screen import BrowseScreen
from mechamap_tui.start.target import read_target
from mechamap_tui.terminal.pasted_lines import on_one_line


@asynccontextmanager
async def opened(folder: Path, *keys: str) -> AsyncIterator[tuple[MechaMapApp, Pilot[None]]]:
    """The explorer, browsing a small run, once these keys have been pressed."""
    recorded_run(folder / "run")
    app = MechaMapApp(read_target(str(folder / "run")), engine=EngineDouble())
    async with app.run_test(size=(110, 34)) as pilot:
        await pilot.pause()
        await pilot.press(*keys)
        await pilot.pause()
        yield app, pilot


@pytest.mark.kind("paste_of_lines")
@pytest.mark.parametrize(
    ("pasted", "line"),
    [
        ("layer >= 1\nand dead\n", "layer >= 1 and dead"),
        ("layer >= 1\r\nand dead\r\n", "layer >= 1 and dead"),
        ("layer >= 1\rand dead\r", "layer >= 1 and dead"),
        ("layer >= 1\u2028and dead\u2029", "layer >= 1 and dead"),
        ("layer\t>=\t1\n\nand dead", "layer >= 1 and dead"),
        ("\ufeff\nlayer >= 1\x00\x1b", "layer >= 1"),
        (" dog ", " dog "),
        ("\n", ""),
        ("", ""),
    ],
)
def test_line_ends_and_tabs_become_blanks(pasted: str, line: str) -> None:
    assert on_one_line(pasted) == line


@pytest.mark.kind("paste_of_lines")
@pytest.mark.parametrize("key", ["slash", "e", "colon", "n", "d"])
async def test_every_field_of_one_line_takes_all_lines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    monkeypatch.setenv("MECHAMAP_HOME", str(tmp_path / "home"))
    async with opened(tmp_path, key) as (app, pilot):
        await until(pilot, lambda: isinstance(app.focused, Input))
        field = app.focused
        assert isinstance(field, Input)
        field.value = ""
        app.post_message(events.Paste("one\r\ntwo\tthree\n"))
        await until(pilot, lambda: field.value == "one two three")
        field.value = ""
        app.copy_to_clipboard("four\nfive")
        await pilot.press("ctrl+v")
        assert field.value == "four five"


@pytest.mark.kind("paste_into_notes")
async def test_a_note_keeps_its_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MECHAMAP_HOME", str(tmp_path / "home"))
    async with opened(tmp_path) as (app, pilot):
        assert isinstance(app.screen, BrowseScreen)
        await app.screen.detail.action_tab("notes")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.focused, TextArea))
        app.post_message(events.Paste("one\ntwo\n"))
        await until(pilot, lambda: app.screen.query_one(TextArea).text == "one\ntwo\n")


@pytest.mark.kind("paste_of_lines")
def test_a_filter_of_two_lines_is_pasted_whole_in_a_terminal(tmp_path: Path) -> None:
    recorded_run(tmp_path / "run")
    with Terminal([str(tmp_path / "run")], tmp_path / "home", columns=100) as terminal:
        terminal.wait("2 Neurons")
        terminal.press("/")
        terminal.type("\x1b[200~reads.food > 0.5\rand layer >= 1\r\x1b[201~")
        terminal.wait("reads.food > 0.5 and layer >= 1")
