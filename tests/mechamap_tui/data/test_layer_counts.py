"""Layers whose activations are no numbers: said where they are looked at, with what to do."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from support.browse_host import browsing
from support.recorded_run import recorded_run

from mechamap.runs.record import dump
from mechamap.runs.run import Run
from mechamap_tui.data.layer_counts import flag_words, flagged_layers
from mechamap_tui.dialogs.run_info import info_lines

PROBLEM = "Layer 2: 16 of 16 neurons have activations that are NaN or infinite. Scan it in bfloat16 or float32."


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Layer 2 overflowed, layer 1 could not be proved."""
    run = recorded_run(tmp_path / "run")
    flags = {1: ("not proved",), 2: ("not finite", "not proved")}
    layers = tuple(replace(rows, flags=flags.get(rows.layer, ())) for rows in run.layers)
    model = replace(run.record.model, dtype="float16")
    record = replace(run.record, layers=layers, model=model, problems=(PROBLEM,))
    # On disk too: a screen that is open for a second reads the run again.
    (tmp_path / "run" / "run.json").write_text(dump(record))
    return Run.open(tmp_path / "run")


@pytest.mark.parametrize(
    ("dtype", "told"),
    [
        ("float16", "not finite: scan with Dtype: bfloat16 or float32"),
        ("bfloat16", "not finite: scan with Dtype: float32"),
        ("float32", "not finite"),
    ],
)
def test_what_to_do_depends_on_the_format(run: Run, dtype: str, told: str) -> None:
    run.record = replace(run.record, model=replace(run.record.model, dtype=dtype))
    assert flag_words(run, run.layers[2]) == told


def test_the_worst_flag_is_told(run: Run) -> None:
    assert flag_words(run, run.layers[0]) == ""
    assert flag_words(run, run.layers[1]).startswith("not proved: ")
    assert flagged_layers(run) == "2 layers not finite"
    run.record = replace(run.record, layers=run.layers[:2])
    assert flagged_layers(run) == "1 layer not proved"
    run.record = replace(run.record, layers=run.layers[:1])
    assert flagged_layers(run) == ""


@pytest.mark.parametrize(("width", "remedy"), [(160, True), (110, True), (70, False)])
async def test_the_first_line_says_it(run: Run, width: int, remedy: bool) -> None:
    async with browsing(run, (width, 45)) as browser:
        line = browser.screen_text().splitlines()[0]
        assert "2 layers not finite" in line
        assert ("scan with Dtype: bfloat16 or float32" in line) == remedy
        assert "2 warnings (i)" in line, "a problem and a flag of one layer are one warning"


async def test_the_layers_and_the_table_say_it(run: Run) -> None:
    async with browsing(run) as browser:
        lines = browser.painted("#layers").splitlines()
        assert ["!" in line for line in lines[2:5]] == [False, True, True]
        await browser.press(*["right_square_bracket"] * 3)
        told = "only layer 2 (not finite: scan with Dtype: bfloat16 or float32) (N clears)"
        assert told in browser.painted("#neurons")
        await browser.press("1", "z")
        assert "not finite: scan with Dtype: bfloat16 or float32" in browser.painted("#layers")


async def test_the_one_line_of_layers_says_it_as_far_as_there_is_room(run: Run) -> None:
    async with browsing(run, (80, 24)) as browser:
        await browser.press(*["right_square_bracket"] * 3)
        assert "· not finite: scan with" in browser.painted("#layer-line")


def test_the_page_about_the_run_says_each_layer_once(run: Run) -> None:
    lines = [line for kind, line in info_lines(run) if kind == "trouble"]
    assert lines == [f"  {PROBLEM}", "  layer 1 not proved: scan with Dtype: bfloat16 or float32"]
