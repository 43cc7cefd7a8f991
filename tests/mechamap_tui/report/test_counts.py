"""Counting in the explorer: from a column to a frequency table, and from its rows back to the neurons."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.recorded_run import recorded_run
from support.report_host import exploring
from textual.widgets import Input

from mechamap.query.column_names import expression_of
from mechamap.query.evaluate import chosen_rows
from mechamap.runs.run import Run
from mechamap_tui.browse.screen import BrowseScreen
from mechamap_tui.browse.table.columns import category_columns, overview_columns
from mechamap_tui.dialogs.error import ErrorScreen
from mechamap_tui.report.counts import CountsScreen


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return recorded_run(tmp_path_factory.mktemp("counted") / "tiny-1")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MECHAMAP_HOME", str(tmp_path / "home"))


async def test_a_column_is_counted_crossed_with_another_and_leads_to_the_neurons_of_a_cell(run: Run) -> None:
    async with exploring(run) as it:
        await it.press("g", "h", "h", "h", "h", "h", "h", "h", "h", "F")  # by the first column, the layer
        await it.shows(CountsScreen)
        await it.until(lambda: "48 neurons by layer" in it.line(0))
        assert ["0", "16", "33%", "layer", "==", "0"] in it.rows()
        await it.press("x")
        assert it.app.screen.query_one(Input).value == "layer, best"
        await it.press("enter")
        await it.until(lambda: "48 neurons by layer x best" in it.line(0))
        screen = it.app.screen
        assert isinstance(screen, CountsScreen) and screen.tables.table is not None
        assert screen.tables.table.key == "cross"
        await it.press("down")
        link = screen.tables.table.link(1, 1)
        assert link is not None and link.where == "layer == 1 and best == animal"
        await it.press("enter")
        await it.shows(BrowseScreen)
        assert it.names == {str(run.neuron_name(int(row))) for row in chosen_rows(run, link.where)}
        assert "only layer == 1 and best == animal" in it.text()
        await it.press("F")  # of those that are shown
        await it.shows(CountsScreen)
        await it.until(lambda: f"{len(chosen_rows(run, link.where))} neurons by" in it.line(0))
        await it.press("q")
        await it.shows(BrowseScreen)
        assert it.browse.finding.expression == link.where


async def test_what_cannot_be_counted_by_is_told_and_the_counts_stay(run: Run) -> None:
    async with exploring(run) as it:
        await it.press("F")
        await it.shows(CountsScreen)
        await it.until(lambda: it.app.screen.report is not None)
        before = it.line(0)
        await it.press("x")
        it.app.screen.query_one(Input).value = "layer, bst"
        await it.press("enter")
        await it.shows(ErrorScreen)
        assert "best" in it.text()
        await it.press("enter")
        await it.shows(CountsScreen)
        assert it.line(0) == before


def test_a_columns_expression_has_the_columns_values(run: Run) -> None:
    for column in (*category_columns(run, "food"), *overview_columns(run, "food")):
        expression = expression_of(run, column.key, "food")
        by = chosen_rows(run, sort=expression)
        values = column.values()
        if column.key == "tokens":  # from a to z, and by the lowest token where a neuron falls on the category
            rises = run.column("selectivity", "food")[by] >= 0
            by, values = by[rises], -values
        assert (values[by][1:] >= values[by][:-1]).all(), column.key
