"""The neuron table of a run that was checked: what it writes and causes, how sure that is, at every width."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support.browse_host import SIZES, Browser, browsing
from support.recorded_run import checked_run, recorded_run

from mechamap.figures.findings import causes
from mechamap.runs.additions import add_to_run
from mechamap.runs.run import Run
from mechamap_tui.browse.table.columns import category_columns
from mechamap_tui.browse.table.lines import lay_out


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return checked_run(tmp_path / "run")


async def go_to_column(browser: Browser, key: str) -> None:
    at = [column.key for column in browser.table.columns].index(key)
    steps = at - browser.table.column
    await browser.press(*("l" if steps > 0 else "h") * abs(steps))


def line_of(browser: Browser, neuron: str) -> str:
    """A neuron's line of the table as it is painted."""
    place = browser.names.index(neuron)
    return browser.painted("#neurons").splitlines()[2 + place]


async def test_a_column_for_each_figure_that_the_run_has(run: Run) -> None:
    async with browsing(run) as browser:
        assert [column.title for column in browser.table.columns] == [
            "L", "N", "strength", "reads", "writes", "causes", "p", "held", "auroc", "d", "mean", "p_matched",
            "specific", "near", "ap", "explained by", "max", "min", "fire", "top tokens",
        ]  # fmt: skip


def test_a_run_of_before_has_no_columns_for_what_it_does_not_know(tmp_path: Path) -> None:
    run = recorded_run(tmp_path / "run")
    run.record = replace(run.record, figures=tuple(name for name in run.record.figures if name not in ("write", "ap")))
    titles = [column.title for column in category_columns(run, "food")]
    assert titles == ["L", "N", "reads", "auroc", "d", "mean", "max", "min", "fire", "top tokens"]


async def test_an_estimate_has_a_tilde_and_what_was_measured_has_none(run: Run) -> None:
    async with browsing(run) as browser:
        await browser.press("c")
        food = line_of(browser, "L1.N7").split()
        assert "-.2500" in food
        other = line_of(browser, browser.names[1])
        assert other.count("~") == 1 and "~" not in line_of(browser, "L1.N7")
        assert other.index(".", other.index("~")) == line_of(browser, "L1.N7").index(".2500"), "points are aligned"


async def test_confirmed_and_dropped_neurons_have_a_sign_without_any_colour(run: Run) -> None:
    async with browsing(run) as browser:
        assert "✗" in line_of(browser, "L0.N3")
        assert browser.painted("#neurons").count("✓") == 0
        await browser.press("c")
        assert "✓" in line_of(browser, "L1.N7")
        assert browser.painted("#neurons").count("✓") == 1
        assert "✗" not in browser.painted("#neurons")


async def test_a_run_that_was_not_confirmed_spends_no_cell_on_signs(tmp_path: Path) -> None:
    plain, checked = recorded_run(tmp_path / "plain"), checked_run(tmp_path / "checked")
    edges = []
    for run in (plain, checked):
        async with browsing(run) as browser:
            edges.append(browser.table._lines.layout.margin)
    assert edges[1] - edges[0] == 1


@pytest.mark.parametrize(("key", "arrow"), [("p", "▲"), ("causes", "▲"), ("writes", "▼"), ("held", "▼"), ("ap", "▼")])
async def test_the_first_s_puts_what_matters_most_on_top(run: Run, key: str, arrow: str) -> None:
    async with browsing(run) as browser:
        await browser.press("c")
        await go_to_column(browser, key)
        await browser.press("s", "g")
        assert f"sorted by {key} {arrow}" in browser.title
        if key not in {"ap", "writes"}:
            assert browser.at == "L1.N7"
        await browser.press("s")
        assert f"sorted by {key} {'▼' if arrow == '▲' else '▲'}" in browser.title
        await browser.press("s")
        assert "sorted by strength ▼" in browser.title


async def test_causes_are_sorted_by_what_was_measured_where_it_was(run: Run) -> None:
    async with browsing(run) as browser:
        await browser.press("c")
        await go_to_column(browser, "causes")
        await browser.press("s")
        assert (np.diff(causes(run, "food")[browser.table.order.rows]) >= 0).all()


@pytest.mark.parametrize("size", [*SIZES, (120, 30)])
async def test_tokens_strength_and_reads_to_causes_are_in_view_at_every_size(run: Run, size: tuple[int, int]) -> None:
    async with browsing(run, size) as browser:
        await browser.press("c")
        header, line = browser.painted("#neurons").splitlines()[1:3]
        titles = header.replace("›", " ").split()
        assert {"strength▼", "reads", "writes", "causes", "top", "tokens"} <= set(titles)
        assert "watched. · near" in line and "-.2500" in line and "✓" in line
        if size[0] >= 80:
            assert {"p", "held"} <= set(titles) and ".005" in line
        if size[0] > 100:
            assert {"auroc", "d"} <= set(titles)
        if size[0] >= 160:
            assert {"mean", "p_matched", "specific", "near", "ap"} <= set(titles)


async def test_signs_in_the_header_say_where_more_columns_are(run: Run) -> None:
    async with browsing(run, (80, 24)) as browser:
        header = browser.painted("#neurons").splitlines()[1]
        assert "›" in header and "‹" not in header
        await go_to_column(browser, "max")
        header = browser.painted("#neurons").splitlines()[1]
        assert "›" in header and "‹" in header and "max" in header and "reads" not in header
        await go_to_column(browser, "tokens")
        header = browser.painted("#neurons").splitlines()[1]
        assert "›" not in header and "fire" in header and "top tokens" in header
        await go_to_column(browser, "reads")
        assert "reads" in browser.painted("#neurons").splitlines()[1]
    async with browsing(run, (240, 45)) as browser:
        assert not set("‹›") & set(browser.painted("#neurons").splitlines()[1]), "everything fits"


@pytest.mark.parametrize("scroll_x", range(40))
def test_no_number_is_cut_in_half_however_far_it_is_scrolled(run: Run, scroll_x: int) -> None:
    layout = lay_out(category_columns(run, "food"), 77, 3)
    first, last = layout.whole(scroll_x)
    assert first in layout.edges and last in layout.edges
    assert layout.left + scroll_x <= first <= last <= layout.right + scroll_x


async def test_a_click_on_a_title_means_the_column_that_is_seen_there(run: Run) -> None:
    async with browsing(run, (80, 24)) as browser:
        await go_to_column(browser, "fire")
        header = browser.painted("#neurons").splitlines()[1]
        await browser.pilot.click("#neurons", offset=(header.index("min") + 1, 1))
        await browser.pilot.pause()
        assert "by min ▼" in browser.title
        await browser.pilot.click("#neurons", offset=(header.index("top tokens") + 1, 1))
        await browser.pilot.pause()
        assert "by top tokens ▼" in browser.title


async def test_figures_that_a_run_gains_get_columns_and_the_cursor_stays(tmp_path: Path) -> None:
    run = recorded_run(tmp_path / "run")
    checked = checked_run(tmp_path / "checked")
    assert run.path is not None
    async with browsing(run) as browser:
        await browser.press("c", "j", "j")
        await go_to_column(browser, "mean")
        neuron = browser.at
        figures = {name: checked.figure(name) for name in ("strength", "cause", "p", "held_out_auroc")}
        add_to_run(run.path, figures)
        assert run.refresh()
        browser.screen.refresh_run()
        await browser.rest()
        titles = [column.key for column in browser.table.columns]
        assert titles[2:8] == ["strength", "reads", "writes", "causes", "p", "held"]
        assert browser.at == neuron
        assert browser.table.columns[browser.table.column].key == "mean", "the column cursor stays on its column"
        assert "sorted by strength ▼" in browser.title
        strength = run.column("strength", "food")[browser.table.order.rows]
        assert (np.diff(strength) <= 0).all()
        assert "strength ≥ .50" in browser.painted("#layers").splitlines()[-1]
        assert "causes" in browser.painted("#categories").splitlines()[0]
        assert "not confirmed" in browser.painted("#detail").splitlines()[0]


async def test_the_column_cursor_goes_on_with_the_default_sort(tmp_path: Path) -> None:
    run, checked = recorded_run(tmp_path / "run"), checked_run(tmp_path / "checked")
    assert run.path is not None
    async with browsing(run, (80, 24)) as browser:
        add_to_run(run.path, {name: checked.figure(name) for name in ("strength", "p", "held_out_auroc")})
        assert run.refresh()
        browser.screen.refresh_run()
        await browser.rest()
        assert "strength▼" in browser.painted("#neurons").splitlines()[1]
        await browser.press("s")
        assert "sorted by strength ▲" in browser.title


async def test_a_cursor_that_was_not_moved_stays_on_the_best_neuron_when_the_order_changes(tmp_path: Path) -> None:
    run, checked = recorded_run(tmp_path / "run"), checked_run(tmp_path / "checked")
    assert run.path is not None
    async with browsing(run, (80, 24)) as browser:
        best = browser.at
        strength = np.asarray(checked.figure("strength")).copy()
        strength[run.row_of(best)] = 0.0
        add_to_run(run.path, {"strength": strength})
        assert run.refresh()
        browser.screen.refresh_run()
        await browser.rest()
        assert browser.table.cursor_index == 0 and browser.table.scroll_offset.y == 0
        assert browser.at == browser.names[0] != best


async def test_a_sort_that_was_chosen_stays_when_the_run_is_confirmed(tmp_path: Path) -> None:
    run, checked = recorded_run(tmp_path / "run"), checked_run(tmp_path / "checked")
    assert run.path is not None
    async with browsing(run) as browser:
        await go_to_column(browser, "d")
        await browser.press("s")
        names = browser.names
        add_to_run(run.path, {"strength": checked.figure("strength")})
        assert run.refresh()
        browser.screen.refresh_run()
        await browser.rest()
        assert "sorted by d ▼" in browser.title and browser.names == names
        await browser.press("s", "s")
        assert "sorted by strength ▼" in browser.title, "what it was sorted by before is no longer what lists go by"


async def test_values_that_change_are_sorted_again(run: Run) -> None:
    assert run.path is not None
    async with browsing(run) as browser:
        await browser.press("c")
        await go_to_column(browser, "causes")
        await browser.press("s")
        measured = np.array(run.figure("cause_measured"))
        measured[run.row_of("L2.N4"), 1] = -0.9
        add_to_run(run.path, {"cause_measured": measured})
        assert run.refresh()
        browser.screen.refresh_run()
        assert browser.names[:2] == ["L2.N4", "L1.N7"]
        assert "-.9000" in line_of(browser, "L2.N4")


async def test_the_title_of_the_detail_says_what_came_of_the_check(run: Run) -> None:
    async with browsing(run) as browser:
        assert "3 L0.N3 ── animal +.95 dropped" in browser.painted("#detail")
        await browser.press("c")
        await browser.rest()
        assert "3 L1.N7 ── food +.98 confirmed" in browser.painted("#detail")
        await browser.press("j")
        await browser.rest()
        assert "not confirmed" in browser.painted("#detail").splitlines()[0]
    async with browsing(run, (80, 24)) as browser:
        assert "3 L0.N3✗" in browser.painted("#detail"), "where there is no room, the sign"
