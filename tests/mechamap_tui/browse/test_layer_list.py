"""The layers: true counts, pending ones dim, and the same choice in the pane and in the line."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support.browse_host import browsing, finish_layer
from support.recorded_run import Shape, checked_run, recorded_run

from mechamap.runs.run import Run
from mechamap_tui.data.layer_counts import CUT, LayerCounts


def without(run: Run, figure: str) -> Run:
    """The run as an earlier version would have made it."""
    run.record = replace(run.record, figures=tuple(name for name in run.record.figures if name != figure))
    return run


@pytest.mark.parametrize("old", [False, True])
def test_the_counts_are_of_neurons_that_stand_out_either_way(tmp_path: Path, old: bool) -> None:
    run = recorded_run(tmp_path / "run")
    counts = LayerCounts(without(run, "ap") if old else run)
    strong = np.abs(run.figure("selectivity")) >= CUT if old else run.figure("ap") >= 0.5
    assert counts.counted == ("|reads| ≥ .80" if old else "ap ≥ .50")
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


def test_of_a_confirmed_run_the_neurons_count_that_are_strong_in_both_texts(tmp_path: Path) -> None:
    run = checked_run(tmp_path / "run")
    counts = LayerCounts(run)
    strong = run.figure("strength") >= 0.5
    by_layer = [(counts.of(layer.layer)) for layer in run.layers]
    assert [found.tolist() for found in by_layer if found is not None] == [
        strong[layer.rows].sum(axis=0).tolist() for layer in run.layers
    ]
    assert [counts.count(None, category) for category in range(3)] == [1, 1, 1], "the planted ones"


def test_of_a_run_confirmed_before_there_was_strength_average_precision_counts(tmp_path: Path) -> None:
    counts = LayerCounts(without(checked_run(tmp_path / "run"), "strength"))
    assert counts.counted == "ap ≥ .50"
    assert [counts.count(None, category) for category in range(3)] == [1, 1, 1]


def test_of_a_confirmed_run_without_average_precision_only_confirmed_neurons_count(tmp_path: Path) -> None:
    run = without(without(checked_run(tmp_path / "run"), "strength"), "ap")
    counts = LayerCounts(run)
    assert counts.counted == "confirmed"
    by_layer = [(counts.of(layer.layer)) for layer in run.layers]
    assert [found.tolist() for found in by_layer if found is not None] == [[0, 0, 0], [0, 1, 0], [0, 0, 1]]
    assert counts.count(None, 0) == 0, "the planted animal neuron dropped on a second text"


def test_a_neuron_whose_expert_saw_few_of_the_words_does_not_count(tmp_path: Path) -> None:
    run = recorded_run(tmp_path / "run", shape=Shape(experts=3, shared=2))
    rare = run.figure("occurrences") < 5
    run._arrays["ap"] = np.full(rare.shape, 0.9, np.float32)
    counts = LayerCounts(run)
    assert rare.any()
    assert [counts.count(None, category) for category in range(3)] == (~rare).sum(axis=0).tolist()


async def test_pane_and_line_say_what_they_count(tmp_path: Path) -> None:
    run = checked_run(tmp_path / "run")
    async with browsing(run) as browser:
        await browser.press("c")
        await browser.rest()
        lines = browser.painted("#layers").splitlines()
        assert lines[1].split() == ["│▸all", "food", "1", "│"]
        assert "strength ≥ .50" in lines[-1] and "reads" not in lines[-1]
    async with browsing(run, (90, 30)) as browser:
        assert "1 for animal, strength ≥ .50" in browser.painted("#layer-line")


async def test_the_pane_shows_each_layer_its_count_and_which_are_still_to_come(tmp_path: Path) -> None:
    run = recorded_run(tmp_path / "run", complete=2)
    async with browsing(run) as browser:
        lines = browser.painted("#layers").splitlines()
        assert lines[1].split() == ["│▸all", "animal", "1", "│"]
        assert lines[2].split()[1] == "0" and lines[2].split()[-2] == "1"
        assert lines[3].split()[-2] == "0"
        assert "…" in lines[4]
        assert "ap ≥ .50" in lines[-1]
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
        assert "1 for animal, ap ≥ .50" in line
        await browser.pilot.click("#layer-line", offset=(line.index("█"), 0))
        await browser.pilot.pause()
        assert browser.screen.layers_pane.layer_shown == 0
        assert browser.painted("#layer-line").startswith(" layer 0")
        await browser.pilot.click("#layer-line", offset=(2, 0))
        await browser.pilot.pause()
        assert browser.screen.layers_pane.layer_shown is None
