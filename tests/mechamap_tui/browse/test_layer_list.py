"""The layers: true counts, pending ones dim, and the same choice in the pane and in the line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from support.browse_host import browsing, finish_layer
from support.recorded_run import checked_run, recorded_run

from mechamap_tui.data.layer_counts import CUT, LayerCounts


def test_the_counts_are_of_neurons_that_stand_out_either_way(tmp_path: Path) -> None:
    run = recorded_run(tmp_path / "run")
    counts = LayerCounts(run)
    strong = np.abs(run.figure("selectivity")) >= CUT
    for layer in run.layers:
        found = counts.of(layer.layer)
        assert found is not None
        assert found.tolist() == strong[layer.rows].sum(axis=0).tolist()
    assert [counts.count(None, category) for category in range(3)] == strong.sum(axis=0).tolist()
    assert counts.count(None, 2) == 1, "the planted neuron that falls on colors counts"


def test_a_layer_that_is_not_complete_has_no_count_until_it_is(tmp_path: Path) -> None:
    run = recorded_run(tmp_path / "run", complete=1)
    counts = LayerCounts(run)
    assert counts.of(1) is None
    assert counts.count(None, 1) == 0
    finish_layer(run, recorded_run(tmp_path / "whole"), 1)
    run.refresh()
    assert counts.of(1) is not None
    assert counts.count(None, 1) == 1


def test_of_a_confirmed_run_only_confirmed_neurons_count(tmp_path: Path) -> None:
    run = checked_run(tmp_path / "run")
    counts = LayerCounts(run)
    by_layer = [(counts.of(layer.layer)) for layer in run.layers]
    assert [found.tolist() for found in by_layer if found is not None] == [[0, 0, 0], [0, 1, 0], [0, 0, 1]]
    assert counts.count(None, 0) == 0, "the planted animal neuron dropped on a second text"


async def test_pane_and_line_say_that_they_count_confirmed_neurons(tmp_path: Path) -> None:
    run = checked_run(tmp_path / "run")
    async with browsing(run) as browser:
        await browser.press("c")
        await browser.rest()
        lines = browser.painted("#layers").splitlines()
        assert lines[1].split() == ["│▸all", "food", "1", "│"]
        assert "confirmed" in lines[-1] and "reads" not in lines[-1]
    async with browsing(run, (90, 30)) as browser:
        assert "0 confirmed for animal" in browser.painted("#layer-line")


async def test_the_pane_shows_each_layer_its_count_and_which_are_still_to_come(tmp_path: Path) -> None:
    run = recorded_run(tmp_path / "run", complete=2)
    async with browsing(run) as browser:
        lines = browser.painted("#layers").splitlines()
        assert lines[1].split() == ["│▸all", "animal", "1", "│"]
        assert lines[2].split()[1] == "0" and lines[2].split()[-2] == "1"
        assert lines[3].split()[-2] == "0"
        assert "…" in lines[4]
        assert "|reads| ≥ .80" in lines[-1]
        await browser.press("c")
        await browser.rest()
        lines = browser.painted("#layers").splitlines()
        assert lines[1].split() == ["│▸all", "food", "1", "│"]
        assert lines[3].split()[-2] == "1"


async def test_a_click_chooses_a_layer_and_a_double_click_goes_to_its_neurons(tmp_path: Path) -> None:
    run = recorded_run(tmp_path / "run")
    async with browsing(run) as browser:
        await browser.pilot.click("#layers", offset=(5, 3))
        await browser.pilot.pause()
        assert {name[:2] for name in browser.names} == {"L1"}
        await browser.pilot.double_click("#layers", offset=(5, 4))
        await browser.pilot.pause()
        assert {name[:2] for name in browser.names} == {"L2"}
        assert browser.app.focused is browser.table


async def test_g_and_G_go_to_all_layers_and_to_the_last(tmp_path: Path) -> None:  # noqa: N802
    run = recorded_run(tmp_path / "run", layers=40)
    async with browsing(run) as browser:
        await browser.press("1", "G")
        assert browser.screen.layers_pane.layer_shown == 39
        assert "▸ 39" in browser.painted("#layers"), "the list scrolls to it"
        await browser.press("g")
        assert browser.screen.layers_pane.layer_shown is None


async def test_the_line_has_a_bar_a_layer_and_a_click_chooses(tmp_path: Path) -> None:
    run = recorded_run(tmp_path / "run", complete=2)
    async with browsing(run, (90, 30)) as browser:
        line = browser.painted("#layer-line")
        assert line.startswith(" layer all")
        assert "█ …" in line
        assert "1 stand out for animal" in line
        await browser.pilot.click("#layer-line", offset=(line.index("█"), 0))
        await browser.pilot.pause()
        assert browser.screen.layers_pane.layer_shown == 0
        assert browser.painted("#layer-line").startswith(" layer 0")
        await browser.pilot.click("#layer-line", offset=(2, 0))
        await browser.pilot.pause()
        assert browser.screen.layers_pane.layer_shown is None
