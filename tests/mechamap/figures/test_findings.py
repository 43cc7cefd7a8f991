"""What is said of a neuron and a category, read from the run alone."""

from __future__ import annotations

import math
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support.recorded_run import checked_run, recorded_run

from mechamap.figures.findings import causes, confirmed, dropped_on, finding
from mechamap.runs.additions import add_to_run
from mechamap.runs.checked import CategoryConfirmation, Confirmation
from mechamap.runs.run import Run


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return checked_run(tmp_path / "run")


def test_a_neuron_that_was_checked_in_every_way(run: Run) -> None:
    row = run.row_of("L1.N7")
    found = finding(run, row, "food")
    assert found.reads == pytest.approx(0.98)
    assert found.writes == float(run.column("write", "food")[row])
    assert (found.causes, found.measured) == (pytest.approx(-0.25), True)
    assert (found.p, found.write_p) == (pytest.approx(0.005), pytest.approx(0.005))
    assert found.held_out_auroc == pytest.approx(0.97)
    assert math.isnan(found.second_auroc)
    assert found.dropped_on == ""
    assert (found.confirmed, found.badge) == (True, "confirmed")


def test_the_estimate_stands_where_nothing_was_measured(run: Run) -> None:
    row = run.row_of("L0.N5")
    found = finding(run, row, "food")
    assert not found.measured
    assert found.causes == float(run.column("cause", "food")[row])
    assert (found.confirmed, found.badge) == (False, "not confirmed")


def test_what_dropped_on_a_second_text_is_not_confirmed(run: Run) -> None:
    found = finding(run, run.row_of("L0.N3"), "animal")
    assert found.p < 0.05
    assert found.second_auroc == pytest.approx(0.6)
    assert found.dropped_on == "second.txt"
    assert (found.confirmed, found.badge) == (False, "dropped")
    assert dropped_on(run, "L0.N3", "food") == ""
    assert dropped_on(run, "L0.N4", "animal") == ""


def test_a_run_that_was_only_scanned_knows_what_it_reads_and_writes(tmp_path: Path) -> None:
    run = recorded_run(tmp_path / "run")
    found = finding(run, run.row_of("L1.N7"), "food")
    assert found.reads == pytest.approx(0.98)
    assert math.isfinite(found.writes)
    for value in (found.causes, found.p, found.write_p, found.held_out_auroc, found.second_auroc):
        assert math.isnan(value)
    assert (found.confirmed, found.measured, found.badge, found.dropped_on) == (False, False, "", "")
    assert not confirmed(run, "food").any()
    assert np.isnan(causes(run, "food")).all()


def test_the_columns_say_the_same_as_the_single_neurons(run: Run) -> None:
    for category in run.categories:
        singly = [finding(run, row, category) for row in range(run.neurons)]
        np.testing.assert_array_equal(confirmed(run, category), [its.confirmed for its in singly])
        np.testing.assert_array_equal(causes(run, category), np.array([its.causes for its in singly], np.float32))
    assert [np.flatnonzero(confirmed(run, name)).tolist() for name in ("animal", "food", "color")] == [
        [], [run.row_of("L1.N7")], [run.row_of("L2.N11")],
    ]  # fmt: skip


def test_a_measurement_of_a_run_without_an_estimate_counts(tmp_path: Path) -> None:
    run = recorded_run(tmp_path / "run")
    measured = np.full((run.neurons, 3), np.nan)
    measured[4, 1] = -0.5
    run = add_to_run(tmp_path / "run", {"cause_measured": measured})
    assert causes(run, "food")[4] == np.float32(-0.5)
    assert np.isnan(causes(run, "food")).sum() == run.neurons - 1


def changed(run: Run, folder: Path, confirmation: Confirmation, **values: float) -> Run:
    """The run with other values of the neuron planted for food."""
    row, food = run.row_of("L1.N7"), run.category_index("food")
    figures = {}
    for name, value in values.items():
        figures[name] = np.array(run.figure(name))
        figures[name][row, food] = value
    return add_to_run(folder, figures, confirmation=confirmation)


def test_confirmed_means_a_p_among_like_words_and_an_auroc_against_hard_controls(tmp_path: Path) -> None:
    run = checked_run(tmp_path / "run")
    about, row = run.record.confirmation, run.row_of("L1.N7")
    assert about is not None and finding(run, row, "food").badge == "confirmed"
    for values, badge in (
        ({"p_matched": 0.05}, "not confirmed"),
        ({"p_matched": 0.0499, "hard_auroc": 0.799}, "not confirmed"),
        ({"p_matched": 0.0499, "hard_auroc": 0.8001}, "confirmed"),
        ({"p": 0.2}, "confirmed"),  # it is p among like words that counts
        ({"p": 0.01, "p_matched": math.nan}, "confirmed"),  # no other word is like the category's
        ({"hard_auroc": math.nan}, "not confirmed"),
    ):
        run = changed(run, tmp_path / "run", about, **values)
        assert finding(run, row, "food").badge == badge
        assert confirmed(run, "food")[row] == (badge == "confirmed")


def test_a_run_that_was_confirmed_by_p_alone_is_as_it_was(tmp_path: Path) -> None:
    run = checked_run(tmp_path / "run")
    about, row = run.record.confirmation, run.row_of("L1.N7")
    assert about is not None
    old = replace(about, hard_auroc=None)
    run = changed(run, tmp_path / "run", old, p=0.0499, p_matched=1, hard_auroc=0.5)
    assert finding(run, row, "food").badge == "confirmed"
    run = changed(run, tmp_path / "run", old, p=0.05)
    assert finding(run, row, "food").badge == "not confirmed"


def test_a_category_without_hard_controls_is_confirmed_by_p_alone(tmp_path: Path) -> None:
    run = checked_run(tmp_path / "run")
    about, row = run.record.confirmation, run.row_of("L1.N7")
    assert about is not None
    without = CategoryConfirmation(
        words=5, skipped=(), needed=0.8, confirmed=1, writers=0, reason="", matched=0, near=0
    )
    run = changed(run, tmp_path / "run", replace(about, categories={"food": without}), hard_auroc=math.nan)
    assert finding(run, row, "food").badge == "confirmed"
    few = replace(without, near=3)
    run = changed(run, tmp_path / "run", replace(about, categories={"food": few}))
    assert finding(run, row, "food").badge == "not confirmed"


def test_a_finding_names_the_feature_that_explains_it(tmp_path: Path) -> None:
    run = checked_run(tmp_path / "run")
    about, row = run.record.confirmation, run.row_of("L1.N7")
    assert about is not None and finding(run, row, "food").explained == ""
    run = changed(run, tmp_path / "run", about, explained=0)
    assert finding(run, row, "food").explained == "capital letter"


def test_it_needs_no_torch() -> None:
    code = "import sys, mechamap.figures.findings, mechamap.runs.additions; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
