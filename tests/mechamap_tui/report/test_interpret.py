"""A run interpreted on the screen: asked of the engine, and from every cell to the neurons behind it."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.made_report import made_report
from support.recorded_run import recorded_run
from support.report_host import exploring, reading
from textual.widgets import Input

from mechamap.csv_files.run import read_csv
from mechamap.errors import UsageError
from mechamap.exports.registry import ExportRequest, export_run
from mechamap.runs.run import Run
from mechamap_tui.browse.screen import BrowseScreen
from mechamap_tui.dialogs.error import ErrorScreen
from mechamap_tui.report.interpret import InterpretScreen


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return recorded_run(tmp_path_factory.mktemp("interpreted") / "tiny-1")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MECHAMAP_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "home"


async def test_while_the_engine_works_it_says_so_and_can_be_left(run: Run) -> None:
    async with exploring(run) as it:
        assert "r interpret" in it.line(39)
        it.engine.interpreted = None
        await it.press("r")
        await it.shows(InterpretScreen)
        await it.until(lambda: "● Interpreting tiny-1 · reading large.csv: 43%" in it.text())
        assert it.engine.interpretations == [(run.path, None, None)]
        await it.press("q")
        await it.shows(BrowseScreen)


async def test_a_report_that_cannot_be_made_is_a_dialog_and_leads_back(run: Run) -> None:
    async with exploring(run) as it:
        it.engine.interpreted = UsageError("No layer is complete.", "Wait for one.")
        await it.press("r")
        await it.shows(ErrorScreen)
        assert "No layer is complete." in it.text() and "Wait for one." in it.text()
        await it.press("enter")
        await it.shows(BrowseScreen)


async def test_the_figure_and_the_threshold_are_asked_of_the_engine_and_remembered(run: Run) -> None:
    async with exploring(run) as it:
        await it.press("r")
        await it.shows_report("by reads ≥ 0.9")
        assert it.engine.interpretations == [(run.path, None, None)]
        await it.press("f")
        await it.until(lambda: it.engine.interpretations[-1] == (run.path, "reads", None))
        await it.shows_report("by reads")
        await it.press("f")
        await it.shows_report("by writes")
        await it.press("t")
        it.report.prompt.query_one(Input).value = "2.5"
        await it.until(lambda: "writes ≥ 2.5 or ≤ -2.5" in it.text())
        await it.press("enter")
        await it.shows_report("by writes ≥ 2.5")
        assert it.engine.interpretations[2:] == [(run.path, "writes", None), (run.path, "writes", 2.5)]
        await it.press("3", "q", "r")
        await it.shows_report("by writes ≥ 2.5")
        assert it.report.view.table == "top"
        await it.press("F")
        await it.shows_report("by reads ≥ 0.9")
        assert it.engine.interpretations[-1] == (run.path, "reads", None)


async def test_what_makes_no_sense_is_refused_and_the_report_stays(run: Run) -> None:
    async with reading(run) as it:
        await it.press("t", "x", "enter")
        await it.until(lambda: "'x' is not a number" in it.text())
        await it.press("escape")
        assert it.report.focused is it.report.tables.cells
        assert len(it.engine.interpretations) == 1
        it.engine.interpreted = UsageError("tiny-1 has no figure writes.", "It has reads.")
        await it.press("f")
        await it.until(lambda: bool(it.app.explorer.errors))
        assert (it.report.view.by, it.report.view.threshold) == (None, None)
        assert "by reads ≥ 0.9" in it.line(0)


async def test_the_help_lists_the_reports_own_keys_alone(run: Run) -> None:
    async with exploring(run) as it:
        await it.press("r")
        await it.shows_report("by reads ≥ 0.9")
        actions = {active.binding.action for active in it.app.screen.active_bindings.values()}
        assert "screen.copy_text" not in actions, "nothing can be selected in a report"
        assert {"f", "t", "q"} <= set(it.app.screen.active_bindings)


async def test_a_csv_is_interpreted_by_its_file(run: Run, tmp_path: Path) -> None:
    export_run(run, tmp_path / "neurons.csv", ExportRequest("csv"))
    async with reading(read_csv(tmp_path / "neurons.csv"), said_of=run) as it:
        assert it.engine.interpretations == [(tmp_path / "neurons.csv", None, None)]


# --- the neurons behind a cell ---------------------------------------------------------------------------------


async def test_of_a_run_that_has_grown_meanwhile_the_neurons_are_said_to_be_more_than_the_report_counts(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "growing"
    async with exploring(recorded_run(folder, complete=1)) as it:
        made = made_report(recorded_run(tmp_path / "grown"))
        it.engine.interpreted = lambda *_: made
        await it.press("r")
        await it.shows_report()
        await it.press("2", "h", "enter")
        await it.shows(BrowseScreen)
        assert "the report counts" not in it.text()
        await it.press("q")
        await it.shows_report()
        recorded_run(folder)
        it.report.of_runs[0].refresh()
        await it.press("enter")
        await it.shows(BrowseScreen)
        await it.until(lambda: bool(it.app._notifications))
        [told] = it.app._notifications
        assert "growing had 1 layer when the report was requested and has 3 now" in told.message
        await it.press("q")
        await it.shows_report()
        await it.press("t", "enter")
        await it.until(lambda: len(it.engine.interpretations) == 2)
        await it.press("enter")
        await it.shows(BrowseScreen)
        assert len([told for told in it.app._notifications if "growing had" in told.message]) == 1


async def test_enter_shows_the_neurons_behind_a_cell_and_q_comes_back_to_it(run: Run) -> None:
    async with exploring(run) as it:
        await it.press("r")
        await it.shows_report()
        await it.press("2", "j", "l", "enter")
        await it.shows(BrowseScreen)
        assert it.names == {"L1.N7"}
        assert it.browse.category == "food"
        assert "only layer == 1 and (reads.food >= 0.9" in it.text()
        assert [(key.column, key.descending) for key in it.browse.table.order.keys] == [("reads", True)]
        await it.press("N")
        assert len(it.names) == run.neurons
        await it.press("q")
        await it.shows_report()
        assert (it.report.tables.cells.place.row, it.column, it.cell) == (1, "food", 1)

        await it.press("G", "h", "h", "enter")
        await it.shows(BrowseScreen)
        assert it.names == {str(run.neuron_name(row)) for row in range(32, 48)}


async def test_a_neuron_in_a_table_is_gone_to_among_all_of_them(run: Run) -> None:
    async with exploring(run) as it:
        await it.press("r")
        await it.shows_report()
        await it.press("3", "j", "j", "enter")
        await it.shows(BrowseScreen)
        assert len(it.names) == run.neurons
        row = it.browse.table.cursor_row
        assert row is not None and str(run.neuron_name(row)) == "L1.N7"
        assert it.browse.category == "food"


async def test_a_cell_without_neurons_says_so(run: Run) -> None:
    async with reading(run) as it:
        await it.press("4", "enter")
        assert "no neurons behind this cell" in it.told
        await it.press("2", "j", "l", "enter")
        assert [link.category for link in it.app.explorer.links] == ["food"]
