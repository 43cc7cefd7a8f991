"""The neuron table by keyboard and mouse: the cursor is a neuron and stays on it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support.browse_host import Browser, browsing
from support.recorded_run import recorded_run

from mechamap.runs.run import Run
from mechamap_tui.browse.table.columns import token_summary


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return recorded_run(tmp_path / "run")


def values(browser: Browser, figure: str) -> list[float]:
    run, table = browser.screen.run, browser.table
    return run.column(figure, table.category)[table.order.rows].tolist()


async def test_it_opens_on_the_best_neuron_of_the_first_category(run: Run) -> None:
    async with browsing(run) as browser:
        assert browser.at == "L0.N3"
        assert values(browser, "ap") == sorted(values(browser, "ap"), reverse=True)
        assert "category animal" in browser.title
        assert "48 of 48" in browser.title
        assert "sorted by ap ▼" in browser.title


async def test_a_run_of_before_average_precision_opens_as_it_did(run: Run) -> None:
    run.record = replace(run.record, figures=tuple(name for name in run.record.figures if name != "ap"))
    async with browsing(run) as browser:
        assert browser.at == "L0.N3"
        assert values(browser, "selectivity") == sorted(values(browser, "selectivity"), reverse=True)
        assert "sorted by reads ▼" in browser.title
        assert browser.table.columns[browser.table.column].key == "reads"
        assert "|reads| ≥ .80" in browser.painted("#layers").splitlines()[-1]


async def test_a_neuron_that_falls_stands_beside_those_that_rise(run: Run) -> None:
    async with browsing(run) as browser:
        await browser.press("c", "c")
        assert browser.at == "L2.N11", "its average precision is the largest, and it goes down on colors"
        line = browser.painted("#neurons").splitlines()[2]
        assert "(falls)" in line and ".92" in line and "-.97" in line


async def test_c_goes_to_the_best_neuron_of_the_next_category_and_back(run: Run) -> None:
    async with browsing(run) as browser:
        await browser.press("c")
        assert (browser.table.category, browser.at) == ("food", "L1.N7")
        await browser.press("C", "C")
        assert browser.table.category == "color"


async def test_s_sorts_down_up_and_as_it_was_while_the_cursor_stays_on_its_neuron(run: Run) -> None:
    async with browsing(run) as browser:
        await browser.press("j", "j", "j")
        neuron, before = browser.at, browser.names
        await browser.press("s")
        assert browser.names == before[::-1]
        assert "sorted by ap ▲" in browser.title
        assert browser.at == neuron
        await browser.press("s")
        assert browser.names == before
        assert browser.at == neuron


async def test_the_neuron_that_falls_most_is_found_by_sorting_up(run: Run) -> None:
    async with browsing(run) as browser:
        await browser.press("c", "c", "l", "s", "s", "g")
        assert "sorted by reads ▲" in browser.title
        assert browser.at == "L2.N11"
        assert "(falls)" in browser.painted("#neurons").splitlines()[2]
        assert "-.97" in browser.painted("#neurons").splitlines()[2]


async def test_another_column_is_chosen_with_l_and_sorted(run: Run) -> None:
    async with browsing(run) as browser:
        titles = [column.title for column in browser.table.columns]
        assert titles == [
            "L", "N", "ap", "reads", "writes", "auroc", "d", "mean", "max", "min", "fire", "top tokens"
        ]  # fmt: skip
        await browser.press("l", "l", "l", "l", "s")
        d = run.column("d", "animal")[browser.table.order.rows]
        assert (np.diff(d) <= 0).all()
        assert "sorted by d ▼" in browser.title
        await browser.press("s", "s")
        assert "sorted by ap ▼" in browser.title, "the third press puts it back"


async def test_further_keys_are_added_and_the_header_says_in_which_order(run: Run) -> None:
    async with browsing(run) as browser:
        await browser.press("h", "h", "s", "l", "l", "l", "l", "l", "S", "l", "S", "S")
        assert "sorted by L ▼, then auroc ▼, then d ▲" in browser.title
        rows = browser.table.order.rows
        assert (np.diff(run.layer_of[rows]) <= 0).all()
        assert {"L▼1", "auroc▼2", "d▲3"} <= set(browser.painted("#neurons").splitlines()[1].split())


async def test_sorting_by_tokens_reads_from_a_to_z(run: Run) -> None:
    async with browsing(run) as browser:
        await browser.press(*"lllllllllll", "s", "g")
        summaries = [token_summary(run, int(row), "animal") for row in browser.table.order.rows]
        first = [summary.removeprefix("(falls) ").split(" · ")[0].casefold() for summary in summaries]
        assert first == sorted(first)
        assert first[0] in browser.painted("#neurons").splitlines()[2]


async def test_moving_goes_by_lines_pages_and_ends(run: Run) -> None:
    async with browsing(run, (90, 30)) as browser:
        names = browser.names
        await browser.press("down", "j", "k", "up", "j")
        assert browser.at == names[1]
        await browser.press("G")
        assert browser.at == names[-1]
        assert names[-1].split("N")[1] in browser.painted("#neurons").splitlines()[-2]
        await browser.press("pageup")
        assert browser.at not in (names[-1], names[0])
        await browser.press("g")
        assert browser.at == names[0]
        await browser.press("ctrl+d", "ctrl+u")
        assert browser.at == names[0]
        await browser.press("up")
        assert browser.at == names[0]


async def test_a_click_moves_the_cursor_and_a_double_click_opens_the_detail(run: Run) -> None:
    async with browsing(run) as browser:
        await browser.pilot.click("#neurons", offset=(12, 5))
        await browser.pilot.pause()
        assert browser.at == browser.names[3]
        await browser.pilot.double_click("#neurons", offset=(12, 6))
        await browser.pilot.pause()
        assert browser.at == browser.names[4]
        assert browser.app.focused is browser.screen.query_one("#tokens")


async def test_a_click_on_a_title_sorts_by_it(run: Run) -> None:
    async with browsing(run) as browser:
        header = browser.painted("#neurons").splitlines()[1]
        await browser.pilot.click("#neurons", offset=(header.index("max") + 1, 1))
        await browser.pilot.pause()
        assert "sorted by max ▼" in browser.title
        await browser.pilot.click("#neurons", offset=(header.index("max") + 1, 1))
        await browser.pilot.pause()
        assert "sorted by max ▲" in browser.title


async def test_the_wheel_scrolls_and_leaves_the_cursor_on_its_neuron(run: Run) -> None:
    async with browsing(run, (90, 30)) as browser:
        neuron = browser.at
        browser.table.scroll_down(animate=False)
        await browser.pilot.pause()
        assert browser.table.scroll_offset.y > 0
        assert browser.at == neuron


async def test_v_shows_a_column_per_category_and_keeps_the_sort(run: Run) -> None:
    async with browsing(run) as browser:
        neuron = browser.at
        await browser.press("v")
        titles = [column.title for column in browser.table.columns]
        assert titles == ["L", "N", "animal", "food", "color", "fire", "top tokens"]
        assert browser.at == neuron
        assert "2 Neurons ── reads of all categories ── 48 of 48 ── sorted by animal ap ▼" in browser.title
        await browser.press("l", "s", "g")
        assert browser.at == "L1.N7"
        assert "sorted by food ▼" in browser.title
        await browser.press("v")
        assert "sorted by food ▼" in browser.title
        assert browser.at == "L1.N7"


async def test_columns_that_do_not_fit_come_into_view_beside_the_name(run: Run) -> None:
    async with browsing(run, (62, 24)) as browser:
        await browser.press(*"lllllllllll")
        pane = browser.painted("#neurons")
        assert "top tokens" in pane
        assert "reads" not in pane.splitlines()[1]
        assert pane.splitlines()[2].split()[:3] == ["┃▸", "0", "3"], "layer and neuron stay"


async def test_the_table_is_empty_and_says_so_until_a_layer_is_finished(tmp_path: Path) -> None:
    run = recorded_run(tmp_path / "run", complete=0)
    async with browsing(run) as browser:
        assert "No layer is finished yet." in browser.painted("#neurons")
        assert "0 of 0 so far" in browser.title
        await browser.press("j", "s", "enter", "m", "y", "c", "G")
        assert browser.at == ""


async def test_a_neuron_hidden_by_a_filter_gets_the_cursor_back_when_the_filter_goes(run: Run) -> None:
    async with browsing(run) as browser:
        await browser.press("j", "j")
        neuron = browser.at
        hidden = np.arange(run.neurons) != run.row_of(neuron)
        browser.table.show_only("some", hidden)
        assert browser.at == browser.names[0] != neuron
        browser.table.show_only("some", None)
        assert browser.at == neuron


async def test_the_copied_line_names_neuron_model_category_and_figures(run: Run) -> None:
    async with browsing(run) as browser:
        line = browser.table.described(run.row_of("L0.N3"))
        assert line.startswith("L0.N3 of tiny\tanimal\tap .90\treads +.95\twrites ")
        assert line.split("\t")[-1].count(" · ") == 4


async def test_a_click_with_shift_adds_a_second_key(run: Run) -> None:
    async with browsing(run) as browser:
        header = browser.painted("#neurons").splitlines()[1]
        await browser.pilot.click("#neurons", offset=(header.index("L"), 1))
        await browser.pilot.click("#neurons", offset=(header.index("fire") + 1, 1), shift=True)
        await browser.pilot.pause()
        assert "sorted by L ▼, then fire ▼" in browser.title
