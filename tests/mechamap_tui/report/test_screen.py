"""A report's tables on the screen: gone through by keys, as heat maps and as numbers, at every size."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.engine_double import EngineDouble
from support.made_report import made_report
from support.recorded_run import recorded_run
from support.report_host import Reader, ReportHost, answering, reading
from textual.widgets import Input

from mechamap.runs.run import Run
from mechamap.tables.table import Report
from mechamap_tui.dialogs.confirm import ConfirmScreen
from mechamap_tui.dialogs.file import FileDialog
from mechamap_tui.dialogs.help import key_lines
from mechamap_tui.dialogs.text_page import TextPage
from mechamap_tui.palette import palette_commands


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return recorded_run(tmp_path_factory.mktemp("reported") / "tiny-1")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MECHAMAP_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "home"


async def test_every_table_fits_at_every_size(run: Run) -> None:
    async with reading(run, (160, 45)) as it:
        for width, height in ((160, 45), (80, 24), (60, 15)):
            await it.pilot.resize_terminal(width, height)
            for number, seen in ((1, "tiny"), (2, "layer"), (3, "L1.N7"), (4, "+1.00")):
                await it.press(str(number))
                text = it.text()
                assert seen in text and "\x1b" not in text
                assert len(text.splitlines()) == height
                assert "▸" in text
            await it.press("2")
            assert "Neurons at or above the threshold" in it.text()
            assert "v map/numbers" in it.line(-1)
        await it.pilot.resize_terminal(50, 12)
        await it.until(lambda: "MechaMap needs 60x15" in it.text())


async def test_tables_are_gone_through_round_and_round_and_by_their_names(run: Run) -> None:
    async with reading(run) as it:
        seen = []
        for key in ("right_square_bracket", "tab", "tab", "tab", "left_square_bracket", "shift+tab"):
            await it.press(key)
            seen.append(it.report.view.table)
        assert seen == ["layers", "top", "correlation", "info", "correlation", "top"]
        row = next(at for at, line in enumerate(it.text().splitlines()) if "2  Layer x" in line)
        await it.pilot.click(offset=(12, row))
        await it.pilot.pause()
        assert it.report.view.table == "layers"
        await it.pilot.resize_terminal(60, 15)
        await it.until(lambda: "3 top" in it.line(1))
        await it.pilot.click(offset=(it.line(1).index("3 top"), 1))
        await it.pilot.pause()
        assert it.report.view.table == "top"


async def test_a_heat_map_and_its_numbers_show_the_same_and_v_changes_between_them(run: Run) -> None:
    table = made_report(run).table("layers")
    assert table is not None
    numbers = [[f"{cell}" for cell in row] for row in table.rows]
    async with reading(run) as it:
        await it.press("2", "j", "l")
        assert it.report.tables.cells.drawn_as_heat
        assert it.rows()[1:4] == numbers
        await it.press("v")
        assert not it.report.tables.cells.drawn_as_heat
        assert it.rows()[1:4] == numbers
        assert (it.cell, it.column) == (1, "food")
        await it.press("3")
        assert not it.report.check_action("numbers", ())


async def test_the_cursor_is_a_cell_whose_place_and_neurons_the_borders_say(run: Run) -> None:
    async with reading(run, (160, 45)) as it:
        await it.press("2", "j", "l")
        assert str(it.report.tables.cells.border_title) == "Layer x category ── layer 1 ── food 1"
        assert "enter: layer == 1 and (reads.food >= 0.9 or reads.food <= -0.9)" in it.text()
        await it.press("k")
        assert "no neurons behind it" in it.text()
        await it.press("G", "l", "l", "l", "l", "right")
        assert (it.report.tables.cells.place.row, it.column) == (2, "color")
        await it.press("g", "h", "left", "h", "h", "k")
        assert (it.report.tables.cells.place.row, it.column) == (0, "layer")
        await it.press("pagedown", "pageup", "down", "1", "2")
        assert (it.report.tables.cells.place.row, it.column) == (1, "layer")


async def test_rows_are_sorted_by_the_cursors_column_and_the_cursor_stays_on_its_row(run: Run) -> None:
    async with reading(run) as it:
        await it.press("3", "l", "j", "j", "j")
        cell, table = it.cell, it.report.tables.table
        assert table is not None
        for sign in (-1, 1):
            await it.press("s")
            values = [table.rows[row][2] for row in it.report.tables.cells.order]
            assert values == sorted(values, key=lambda value: sign * float(str(value)))
            assert it.cell == cell
        await it.press("s")
        assert it.report.tables.cells.order == list(range(len(table.rows)))


async def test_a_narrow_pane_scrolls_sideways_and_shows_a_cut_cell_beneath(run: Run) -> None:
    async with reading(run, (60, 24)) as it:
        await it.press("3")
        assert "›" in it.text() and "‹" not in it.text()
        await it.press("l", "l", "l", "l", "j", "j")
        assert it.column == "top tokens"
        assert "‹" in it.text()
        assert next(row for row in it.rows() if "food" in row)[0] == "food"
        await it.press("1", "j", "j", "l")
        assert it.text().count("a␛[31mb") == 2  # in the table and in its title


async def test_of_many_rows_only_those_that_are_seen_are_drawn(tmp_path: Path) -> None:
    run = recorded_run(tmp_path / "deep", layers=60, width=2)
    async with reading(run, (80, 24)) as it:
        await it.press("2", "G")
        assert it.rows()[-1][0] == "59"
        assert len(it.report.tables.cells._strips) < 60
        await it.press("g")
        assert it.rows()[1][0] == "0"


# --- taking it away --------------------------------------------------------------------------------------------


async def test_rows_and_cells_are_copied_and_what_has_to_be_known_with_them_is_on_a_page(run: Run, home: Path) -> None:
    async with reading(run) as it:
        assert "1 remark (i)" in it.line(0)
        await it.press("3", "y")
        assert (home / "copied.txt").read_text().startswith("animal\tneuron L0.N3\treads +.95\tp of its reading —\t")
        await it.press("Y")
        assert (home / "copied.txt").read_text() == "L0.N3\n"
        await it.press("i")
        await it.shows(TextPage)
        assert "Three neurons were planted." in it.text()
        await it.press("q")
        await it.shows_report()


async def test_a_table_is_exported_and_so_is_the_whole(run: Run, tmp_path: Path) -> None:
    made = tmp_path / "tiny-1-interpreted-layers.csv"
    async with reading(run) as it:
        await it.press("2", "e")
        await it.shows(FileDialog)
        assert "3 rows" in it.text()
        await it.press("enter")
        await it.shows_report()
        assert made.read_text().splitlines()[::2] == ["layer,animal,food,color", "1,0,1,0"]

        made.write_text("mine")
        await it.press("e", "enter")
        await it.shows(ConfirmScreen)
        await it.press("n")
        await it.shows(FileDialog)
        assert made.read_text() == "mine"

        it.app.screen.query_one("#path", Input).value = str(tmp_path / "whole.json")
        await it.pilot.pause()
        await it.press("down", "down", "right")
        await it.until(lambda: "4 tables" in it.text())
        await it.press("enter")
        await it.shows_report()
        assert "Correlation of the categories" in (tmp_path / "whole.json").read_text()
        assert "whole.json" in it.told


async def test_a_table_can_be_asked_for_before_the_report_has_come(run: Run) -> None:
    class Slow(EngineDouble):
        async def interpret(self, run: Path, **options: Any) -> Report:
            await come.wait()
            return await super().interpret(run, **options)

    come, engine = asyncio.Event(), Slow()
    engine.interpreted = answering(run).interpreted
    app = ReportHost(run, engine)
    async with app.run_test(size=(120, 40)) as pilot:
        it = Reader(app, engine, pilot)
        await it.press("9", "3")
        come.set()
        await it.shows_report()
        assert it.report.tables.index == 2
        await it.press("1")
        assert it.report.tables.index == 0


# --- around it -------------------------------------------------------------------------------------------------


async def test_the_keys_are_in_the_help_and_the_palette(run: Run) -> None:
    from mechamap_tui.app import MechaMapApp

    app = ReportHost(run, answering(run))
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        keys = key_lines(app.screen.active_bindings.values())
        does = {does for _, does in keys}
        assert ("1 2 3 4 5 6 7 8 9 0", "table by its number") in keys
        assert {"from which value a neuron counts", "copy the cell", "previous figure", "next table"} <= does
        assert {"export", "sort"} <= does
        titles = {command.title for command in palette_commands(MechaMapApp().explorer, app.screen)}
        assert {"Threshold", "Figure", "Export", "About", "Next table"} <= titles
        assert "Down" not in titles and "Table by its number" not in titles


@pytest.mark.parametrize("small", [(50, 12), (30, 10)])
async def test_a_window_that_was_too_small_for_a_while_leaves_the_keys_with_the_table(
    run: Run, small: tuple[int, int]
) -> None:
    async with reading(run, (80, 24)) as it:
        await it.press("2")
        before = it.report.tables.cells.place.row
        await it.pilot.resize_terminal(*small)
        await it.until(lambda: "MechaMap needs" in it.text())
        await it.pilot.resize_terminal(80, 24)
        await it.until(lambda: "MechaMap needs" not in it.text() and it.app.focused is not None)
        await it.press("j")
        assert it.report.tables.cells.place.row == before + 1


async def test_a_long_title_is_cut_before_what_there_is_to_know(run: Run) -> None:
    async with reading(run, (60, 15)) as it:
        made = made_report(run)
        it.report.show_report(replace(made, title="a very long title " * 5, remarks=("one", "two")))
        await it.until(lambda: "a very long title" in it.line(0))
        await it.pilot.pause()
        assert "…" in it.line(0) and "· 2 remarks (i)" in it.line(0)


async def test_the_dialog_that_exports_stands_in_the_middle(run: Run) -> None:
    async with reading(run, (120, 40)) as it:
        await it.press("e")
        await it.shows(FileDialog)
        dialog = it.app.screen.query_one(".dialog").region
        assert abs(dialog.x - (120 - dialog.right)) <= 1 and abs(dialog.y - (40 - dialog.bottom)) <= 1
