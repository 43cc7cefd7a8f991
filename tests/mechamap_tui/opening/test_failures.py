"""What fails in the explorer is replaced by a line or shown in a dialog, once, and everything else goes on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.recorded_run import checked_run
from support.report_host import Reader, exploring
from support.waiting import LONGEST
from textual.widget import Widget

from mechamap.errors import RunError
from mechamap_tui.app import MechaMapApp
from mechamap_tui.browse.charts import CategoryChart
from mechamap_tui.browse.detail.tokens import TokenView
from mechamap_tui.browse.layer_list import LayerList
from mechamap_tui.browse.screen import BrowseScreen
from mechamap_tui.browse.table.table import NeuronTable
from mechamap_tui.dialogs.error import ErrorScreen
from mechamap_tui.dialogs.help import HelpScreen
from mechamap_tui.dialogs.text_page import TextPage
from mechamap_tui.start.target import read_target
from mechamap_tui.terminal.clipboard import copied_file
from mechamap_tui.widgets.failed_part import FailedPart
from mechamap_tui.widgets.key_footer import KeyFooter

pytestmark = pytest.mark.failing

LINE = "This pane failed: ZeroDivisionError."
PANES = {"layers": LayerList, "neurons": NeuronTable, "detail": TokenView, "categories": CategoryChart}


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MECHAMAP_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "home"


def explode(*_: object, **__: object) -> Any:
    raise ZeroDivisionError("what the user wrote")


async def covered(reader: Reader, part: Widget) -> str:
    """Wait until a part has a line in its place; the screen's text."""
    async with asyncio.timeout(LONGEST):
        while part._cover_widget is None:  # without the pilot, whose pauses paint too
            await asyncio.sleep(0.01)
    await reader.until(lambda: "failed" in reader.text())
    return reader.text()


async def others_go_on(reader: Reader, failed: str) -> None:
    """The keys of the other panes do what they did: to each of them, a category on, the help and back."""
    for number, name in enumerate(PANES, start=1):
        if name != failed:
            await reader.press(str(number))
            focused = reader.app.focused
            assert focused is not None and any(node.id == name for node in focused.ancestors_with_self), name
    await reader.press("question_mark")
    await reader.shows(HelpScreen)
    await reader.press("q")
    await goes_on(reader)


async def goes_on(reader: Reader) -> None:
    """A key of the screen does what it did."""
    await reader.shows(BrowseScreen)
    before = reader.browse.category
    await reader.press("c")
    await reader.until(lambda: reader.browse.category != before)
    assert reader.app.return_code is None


@pytest.mark.parametrize("pane", PANES)
async def test_a_pane_that_cannot_be_painted_is_a_line_and_the_others_go_on(home: Path, pane: str) -> None:
    async with exploring(checked_run(home / "runs" / "checked-1"), (120, 40)) as reader:
        part = reader.browse.query_one(PANES[pane])
        part.render_line = explode  # type: ignore[method-assign]
        part.refresh()
        text = " ".join((await covered(reader, part)).split())
        assert "ZeroDivisionError" in text and "F2" in text
        await others_go_on(reader, pane)


@pytest.mark.parametrize("pane", ["layers", "detail"])
async def test_a_pane_whose_timer_or_handler_fails_is_a_line_too(home: Path, pane: str) -> None:
    async with exploring(checked_run(home / "runs" / "checked-1"), (120, 40)) as reader:
        part = reader.browse.query_one(PANES[pane])
        if pane == "layers":
            part.on_resize = explode  # type: ignore[attr-defined]
            part.set_timer(0.01, part.on_resize)  # type: ignore[attr-defined]
        else:
            part.call_later(explode)
        await covered(reader, part)
        await goes_on(reader)


async def test_a_pane_that_cannot_show_a_neuron_is_a_line_and_the_next_pane_shows_it(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with exploring(checked_run(home / "runs" / "checked-1"), (120, 40)) as reader:
        browse = reader.browse
        monkeypatch.setattr("mechamap_tui.browse.detail.pane.finding", explode)
        await reader.press("down")
        text = await covered(reader, browse.detail)
        assert LINE in text
        await reader.press("down")
        await reader.until(lambda: browse.categories.row == browse.table.cursor_row)
        assert browse.detail._cover_widget is not None and isinstance(reader.app.screen, BrowseScreen)


async def test_a_failed_pane_gets_no_keys_and_fails_no_second_time(home: Path) -> None:
    async with exploring(checked_run(home / "runs" / "checked-1"), (120, 40)) as reader:
        table = reader.browse.table
        table.call_later(explode)
        await covered(reader, table)
        await reader.press("2", "s")
        assert reader.app.focused is not table and not isinstance(reader.app.screen, ErrorScreen)
        for _ in range(20):
            table.call_later(explode)
        await reader.press("f2")
        report = copied_file().read_text()
        assert report.count("ZeroDivisionError") == 1 and "seen 21 times" in report
        assert "what the user wrote" not in report and "MechaMap" in report


async def test_what_has_no_room_for_the_line_fails_alone_too(home: Path) -> None:
    async with exploring(checked_run(home / "runs" / "checked-1"), (80, 24)) as reader:
        footer = reader.browse.query_one(KeyFooter)
        footer.render_line = explode  # type: ignore[method-assign]
        footer.refresh()
        assert LINE in await covered(reader, footer)
        await reader.press("down", "enter")
        assert reader.app.focused is reader.browse.query_one(TokenView)


async def test_a_widget_that_cannot_be_laid_out_is_a_line(home: Path) -> None:
    async with exploring(checked_run(home / "runs" / "checked-1"), (120, 40)) as reader:
        header = reader.browse.header
        header.get_content_height = explode  # type: ignore[method-assign]
        header.styles.height = "auto"
        await covered(reader, header)
        await goes_on(reader)


@pytest.mark.parametrize("method", ["compose", "on_mount"])
async def test_a_widget_that_cannot_be_made_is_a_line(home: Path, method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from mechamap_tui.browse.detail.notes import NotesView

    monkeypatch.setattr(NotesView, method, explode, raising=False)
    async with exploring(checked_run(home / "runs" / "checked-1"), (120, 40)) as reader:
        await reader.press("3", "h")  # from tokens back to notes
        notes = reader.browse.query_one(NotesView)
        assert LINE in await covered(reader, notes)
        await reader.press("3", "3")  # to the pane, and to its next tab
        assert LINE not in reader.text()
        await goes_on(reader)


def on_screen(reader: Reader) -> None:
    reader.browse.set_timer(0.01, explode)


def on_app(reader: Reader) -> None:
    reader.app.call_later(explode)


def in_worker(reader: Reader) -> None:
    async def work() -> None:
        explode()

    reader.app.run_worker(work())


def in_panes(reader: Reader) -> None:
    reader.browse.panes.call_later(explode)


@pytest.mark.parametrize("fail", [on_screen, on_app, in_worker, in_panes])
async def test_what_is_no_single_pane_is_a_dialog_once(home: Path, fail: Callable[[Reader], None]) -> None:
    async with exploring(checked_run(home / "runs" / "checked-1"), (120, 40)) as reader:
        fail(reader)
        await reader.shows(ErrorScreen)
        assert len(reader.app.screen_stack) == 3 and "ZeroDivisionError" in reader.text()
        await reader.press("y")
        assert "what the user wrote" not in copied_file().read_text()
        await reader.press("q")
        await reader.shows(BrowseScreen)
        fail(reader)
        await reader.until(lambda: "seen 2 times" in reader.app.failures.report)
        assert isinstance(reader.app.screen, BrowseScreen)
        await goes_on(reader)


async def test_many_failures_at_once_are_one_dialog(home: Path) -> None:
    async with exploring(checked_run(home / "runs" / "checked-1"), (120, 40)) as reader:
        for kind in (ValueError, KeyError, TypeError):

            def fail(kind: type[Exception] = kind) -> None:
                raise kind("no")

            for _ in range(5):
                reader.browse.set_timer(0.01, fail)
        await reader.shows(ErrorScreen)
        await reader.until(lambda: reader.app.failures.report.count("seen 5 times") == 3)
        assert len(reader.app.screen_stack) == 3
        await reader.press("f2")
        assert all(kind in copied_file().read_text() for kind in ("ValueError", "KeyError", "TypeError"))


async def test_an_error_meant_for_users_says_itself_in_the_pane(home: Path) -> None:
    async with exploring(checked_run(home / "runs" / "checked-1"), (120, 40)) as reader:

        def gone() -> None:
            raise RunError("The run was removed.")

        reader.browse.table.call_later(gone)
        await covered_text(reader, reader.browse.table, "The run was removed.")
        assert not reader.app.failures.report


async def covered_text(reader: Reader, part: Widget, text: str) -> None:
    await reader.until(lambda: part._cover_widget is not None and text in reader.text())


async def test_the_report_dialogs_and_pages_fail_alone(home: Path) -> None:
    async with exploring(checked_run(home / "runs" / "checked-1"), (120, 40)) as reader:
        await reader.press("r")
        await reader.shows_report()
        cells = reader.report.tables.cells
        cells.render_line = explode  # type: ignore[method-assign]
        cells.refresh()
        assert LINE in await covered(reader, cells)
        await reader.press("q")
        await reader.shows(BrowseScreen)
        await reader.press("i")
        await reader.shows(TextPage)
        page = reader.app.screen.query_one("LineView")
        page.render_line = explode
        page.refresh()
        assert LINE in await covered(reader, page)
        await reader.press("q")
        await reader.shows(BrowseScreen)


async def test_nothing_is_copied_where_nothing_failed(home: Path) -> None:
    async with exploring(checked_run(home / "runs" / "checked-1")) as reader:
        await reader.press("f2")
        assert not copied_file().exists()


async def test_what_fails_before_the_first_screen_ends_with_a_sentence(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mechamap_tui.opening.screens.Opening.open_first", explode)
    app = MechaMapApp(read_target(""))
    with pytest.raises(ZeroDivisionError):
        async with app.run_test():
            pass
    assert app.return_code == 1
    assert "what the user wrote" in (home / "log" / "failures.log").read_text()


@pytest.mark.parametrize("what", ["a line that fails", "a screen that cannot be composed", "the app again and again"])
async def test_what_cannot_go_on_ends_with_one_clean_sentence(
    home: Path, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked_run(home / "runs" / "checked-1")
    app = MechaMapApp(read_target("checked-1"))
    with pytest.raises(ZeroDivisionError):
        async with app.run_test(size=(160, 45)) as pilot:
            await pilot.pause()
            match what:
                case "a line that fails":
                    monkeypatch.setattr(FailedPart, "render_line", explode)
                    app.screen.query_one(NeuronTable).call_later(explode)
                case "a screen that cannot be composed":
                    monkeypatch.setattr(HelpScreen, "compose", explode)
                    await pilot.press("question_mark")
                case _:
                    for _ in range(3):
                        app.call_later(explode)
            await pilot.pause(0.2)
    assert app.return_code == 1
    assert "what the user wrote" in (home / "log" / "failures.log").read_text()
