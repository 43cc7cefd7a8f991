"""Whatever is opened from a run, going back finds the table as it was."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from support.recorded_run import recorded_run
from support.report_host import Reader, exploring

from mechamap.query.link import Link
from mechamap.runs.run import Run
from mechamap.runs.views.table_view import TableView
from mechamap_tui.browse.screen import BrowseScreen
from mechamap_tui.palette import palette_commands
from mechamap_tui.start.screen import StartScreen

WAYS: dict[str, tuple[Sequence[str], Sequence[str]]] = {
    "the neuron": (("enter", "t"), ("q",)),
    "its categories": (("4",), ("q",)),
    "one pane alone": (("z",), ("z",)),
    "about the run": (("i",), ("q",)),
    "help": (("question_mark",), ("q",)),
    "the palette": (("colon",), ("escape",)),
    "the columns": (("o", "space"), ("escape",)),
    "the views": (("b",), ("q",)),
    "a filter that is left": (("slash", *"layer"), ("escape",)),
    "going to a neuron": (("apostrophe", *"L2"), ("escape",)),
    "a report": (("r",), ("q",)),
    "counts": (("F",), ("q",)),
    "export": (("e",), ("escape",)),
    "a sentence": (("p", *"dogs"), ("escape",)),
    "neurons alike": (("equals_sign",), ("q",)),
    "steering": (("w",), ("q",)),
    "another scan": (("n",), ("escape",)),
    "a comparison": (("d",), ("escape",)),
}


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("MECHAMAP_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    return recorded_run(tmp_path / "run")


async def changed(it: Reader) -> BrowseScreen:
    """Change what the table shows in every way."""
    screen = it.app.screen
    assert isinstance(screen, BrowseScreen)
    await it.press(
        "c", "l", "s", "l", "S", "minus", "greater_than_sign", "1", "j", "j", "2", "slash", *"max>-9", "enter"
    )
    await it.press("j", "j")
    view = screen.shown.now
    assert (view.where, view.category, view.layer, len(view.sort)) == ("max>-9", "food", 1, 2)
    return screen


async def test_going_back_from_anywhere_leaves_the_view_and_the_cursor(run: Run) -> None:
    async with exploring(run) as it:
        screen = await changed(it)
        before = screen.shown.now, screen.neuron, screen.table.order.rows.tolist()
        for way, (there, back) in WAYS.items():
            await it.press(*there)
            await it.press(*back)
            await it.until(lambda: it.app.screen is screen)
            await it.press("2")
            assert (screen.shown.now, screen.neuron, screen.table.order.rows.tolist()) == before, way


async def test_the_neurons_behind_a_reports_cell_have_a_view_of_their_own(run: Run) -> None:
    async with exploring(run) as it:
        screen = await changed(it)
        before = screen.shown.now, screen.neuron
        await it.press("r")
        await it.shows_report()
        report = it.app.screen
        it.app.explorer.open_link(run, Link("layer == 2", "color"))
        await it.until(lambda: it.app.screen is not report)
        await it.press("c", "s", "minus")
        assert it.app.screen.shown.now != before[0]
        await it.press("q")
        assert it.app.screen is report
        await it.press("q")
        assert it.app.screen is screen
        assert (screen.shown.now, screen.neuron) == before


async def test_a_run_that_is_opened_again_from_the_start_screen_is_as_it_was(run: Run) -> None:
    async with exploring(run) as it:
        screen = await changed(it)
        before = screen.shown.now, screen.neuron
        await it.press("q")
        await it.shows(StartScreen)
        it.app.explorer.open_run(Run.open(run.path))
        await it.shows(BrowseScreen)
        assert it.app.screen is not screen
        assert (it.app.screen.shown.now, it.app.screen.neuron) == before


async def test_the_palette_hides_columns_and_shows_views(run: Run) -> None:
    async with exploring(run) as it:
        screen = await changed(it)
        views = screen.saved_views()
        assert views is not None
        views.keep("dogs", TableView("dog"))
        given = {command.title: command.callback for command in palette_commands(it.app.explorer, screen)}
        given["Hide column ap"]()
        given["Show column writes"]()
        assert [column.key for column in screen.table.columns][2:4] == ["reads", "writes"]
        given["View dogs"]()
        assert screen.shown.now == TableView("dog", "animal")
        assert {"Undo", "Columns", "Named views", "Move column left"} <= set(given)
