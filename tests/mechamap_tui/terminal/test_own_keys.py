"""A user's own keys in the explorer: they work, chords too, are shown, and wrong lines are told."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from support.engine_double import EngineDouble
from support.recorded_run import recorded_run
from support.waiting import until
from textual.keys import _character_to_key
from textual.pilot import Pilot
from textual.widgets import Input

from mechamap.config.keys.catalogue import FILE, catalogue_text
from mechamap.config.keys.spelling import key_codes
from mechamap_tui.app import MechaMapApp
from mechamap_tui.browse.screen import BrowseScreen
from mechamap_tui.dialogs.error import ErrorScreen
from mechamap_tui.dialogs.help import HelpScreen
from mechamap_tui.start.target import read_target
from mechamap_tui.widgets.key_footer import KeyFooter
from scripts import write_key_docs

KEYS = """\
browse:
  filter: [f, ctrl+x f]
  mark: ctrl+x s
  zoom: []
  probe: V
  export: w
  steer: e
tables:
  first: g g
everywhere:
  help: ","
help:
  close: [x, escape]
"""


@asynccontextmanager
async def explorer(folder: Path, monkeypatch: pytest.MonkeyPatch, keys: str | None) -> AsyncIterator[Pilot[None]]:
    """The explorer on a run, with a file of keys."""
    monkeypatch.setenv("MECHAMAP_HOME", str(folder))
    recorded_run(folder / "runs" / "tiny-1")
    if keys is not None:
        (folder / "keys.yaml").write_text(keys, encoding="utf-8")
    app = MechaMapApp(read_target("tiny-1"), engine=EngineDouble())
    async with app.run_test(size=(160, 30), notifications=True) as pilot:
        await until(pilot, lambda: isinstance(app.screen, BrowseScreen | ErrorScreen))
        await pilot.pause()
        yield pilot


def footer(pilot: Pilot[None]) -> list[str]:
    """What the footer shows: key and action."""
    return [f"{key} {description}" for _, key, description, _ in pilot.app.screen.query_one(KeyFooter).keys]


async def test_own_keys_and_chords_do_what_the_file_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with explorer(tmp_path, monkeypatch, KEYS) as pilot:
        browse = pilot.app.screen
        assert isinstance(browse, BrowseScreen)
        assert {"f filter", "^x s mark", ", help", "p probe"} <= set(footer(pilot))
        assert "line 5" in "".join(toast.message for toast in pilot.app._notifications)  # V is a key of confirm_run

        told = {command.title: command.help for command in pilot.app.get_system_commands(browse)}
        assert told["Export"].endswith("(w)") and told["Mark"] == "key ctrl+x s" and told["Quit"].endswith("(ctrl+q)")

        await pilot.press("slash", "z", "m", "question_mark")
        assert not browse.prompt.asking and not browse.notes.marked  # the default keys are free
        await pilot.press("down", "down", "g")
        assert footer(pilot) == ["g first"] and browse.table.cursor_index == 2
        await pilot.press("g")
        assert browse.table.cursor_index == 0 and "f filter" in footer(pilot)
        await pilot.press("g", "j")  # leads nowhere
        assert browse.table.cursor_index == 0
        await pilot.press("ctrl+x", "s", "j")
        assert len(browse.notes.marked) == 1 and browse.table.cursor_index == 1

        await pilot.press("ctrl+x", "f")
        assert browse.prompt.asking
        await pilot.press("g", "g", "f")
        assert browse.prompt.query_one(Input).value == "ggf"
        assert "g g" not in pilot.app.screen.active_bindings
        await pilot.press("escape", "comma")
        await until(pilot, lambda: isinstance(pilot.app.screen, HelpScreen))
        assert isinstance(pilot.app.screen, HelpScreen)
        assert pilot.app.screen.query_one(".dialog").border_subtitle == "x closes · t takes a tour in six steps"
        keys = {does: keys for keys, does in pilot.app.screen.keys}
        assert keys["first"] == "g g"
        assert keys["show only neurons for which an expression holds"] == "f ctrl+x f"


async def test_a_file_that_is_no_yaml_is_told_and_the_default_keys_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with explorer(tmp_path, monkeypatch, "browse: [") as pilot:
        await until(pilot, lambda: isinstance(pilot.app.screen, ErrorScreen))
        await pilot.press("escape", "slash")
        browse = pilot.app.screen
        assert isinstance(browse, BrowseScreen) and browse.prompt.asking
        assert "F1 help" in footer(pilot) and "? help" not in footer(pilot)  # ? would be typed into the line


def test_the_catalogue_and_its_page_are_those_of_the_bindings() -> None:
    advice = "run: python scripts/write_key_docs.py"
    assert FILE.read_text(encoding="utf-8") == catalogue_text(write_key_docs.sections()), advice
    assert write_key_docs.DOCS.read_text(encoding="utf-8") == write_key_docs.docs_text(), advice


def test_characters_have_the_names_that_the_terminal_library_gives_them() -> None:
    for character in [*map(chr, range(33, 127)), "é", "ß", "§", "€"]:
        assert key_codes(character) == _character_to_key(character)
