"""Different models by relative depth: counts and quartiles are those that numpy finds, layer by layer."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import spearmanr
from support.comparisons import compared
from support.recorded_run import CATEGORIES, Shape, checked_run, recorded_run

from mechamap.csv_files.run import read_csv
from mechamap.errors import UsageError
from mechamap.exports.registry import ExportRequest, export_run
from mechamap.query.evaluate import matching
from mechamap.runs.layout import relative_depth
from mechamap.runs.run import Run
from mechamap.tables.table import Report, Table

THRESHOLD = 0.3


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, Run]:
    """13 layers of 12 neurons, and 5 layers of 30."""
    folder = tmp_path_factory.mktemp("runs")
    return recorded_run(folder / "deep", layers=13, width=12), recorded_run(folder / "wide", layers=5, width=30, seed=1)


@pytest.fixture(scope="module")
def report(runs: tuple[Run, Run]) -> Report:
    return compared(runs, "reads", THRESHOLD)


def test_the_report_of_different_models_begins_with_their_best_neurons(report: Report) -> None:
    assert report.title == "A deep (tiny), B wide (tiny): different models"
    assert [table.key for table in report.tables] == ["overview", "depth", "profiles", "settings"]
    assert [row["model"] for row in _rows(report, "overview")] == ["A", "B"] * len(CATEGORIES)


def test_a_profile_is_the_share_of_the_layers_that_lie_at_that_depth(runs: tuple[Run, Run], report: Report) -> None:
    for row in _rows(report, "profiles"):
        name, letter = row["category"].rsplit(" ", 1)
        run = runs["AB".index(letter)]
        last = run.record.model.layers - 1
        strong = np.abs(run.column("selectivity", name)) >= np.float32(THRESHOLD)
        for at in range(10):
            layers = [layer for layer in range(last + 1) if min(10 * layer // last, 9) == at]
            inside = np.isin(run.layer_of, layers)
            expected = round(1000 * strong[inside].mean(), 2) if layers else None
            assert row[f"depth_{at / 10:g}"] == expected, (name, letter, at)
    assert _table(report, "profiles").heat


def test_quartiles_of_depth_are_those_of_the_neurons_that_count(runs: tuple[Run, Run], report: Report) -> None:
    for row in _rows(report, "depth"):
        medians = []
        for run, side in zip(runs, "ab", strict=True):
            strong = np.abs(run.column("selectivity", row["category"])) >= np.float32(THRESHOLD)
            depth = run.layer_of[strong] / (run.record.model.layers - 1)
            assert row[f"neurons_{side}"] == strong.sum()
            quartiles = [row[f"{name}_{side}"] for name in ("lower_quartile", "median", "upper_quartile")]
            assert quartiles == pytest.approx(np.quantile(depth, (0.25, 0.5, 0.75)).tolist(), abs=1e-6)
            medians.append(float(np.median(depth)))
        assert row["difference"] == pytest.approx(medians[1] - medians[0], abs=1e-6)


def test_links_lead_to_the_neurons_behind_a_cell(runs: tuple[Run, Run], report: Report) -> None:
    depth, profiles = _table(report, "depth"), _table(report, "profiles")
    for at, row in enumerate(depth.rows):
        for column in (1, 5):
            link = depth.link(at, column)
            assert link is not None
            assert matching(runs[link.run], link.where, link.category).sum() == row[column]
    followed = 0
    for at, row in enumerate(profiles.rows):
        for column in range(1, 11):
            link = profiles.link(at, column)
            if link is None:
                assert row[column] is None
                continue
            run = runs[link.run]
            layers = np.unique(np.minimum((10 * relative_depth(run) + 1e-5).astype(int), 9), return_counts=True)
            of = dict(zip(layers[0].tolist(), layers[1].tolist(), strict=True))[column - 1]
            found = matching(run, link.where, link.category).sum()
            assert row[column] == round(1000 * found / of, 2)
            followed += 1
    assert followed == len(CATEGORIES) * (10 + 5)


def test_depth_is_of_the_whole_model_where_some_layers_were_scanned(tmp_path: Path, runs: tuple[Run, Run]) -> None:
    whole = runs[0]
    rows = np.flatnonzero(whole.layer_of < 4)
    layers = tuple(whole.layers[:4])
    part = Run(replace(whole.record, layers=layers), {f: whole.figure(f)[rows] for f in whole.record.figures})
    assert relative_depth(part).max() == pytest.approx(3 / 12)
    found = compared((part, runs[1]), threshold=THRESHOLD)
    assert "Of the 13 layers of A, 9 are not in the run." in _table(found, "depth").about


def test_a_csv_and_a_run_of_another_model_are_compared_by_mean(tmp_path: Path, runs: tuple[Run, Run]) -> None:
    export_run(runs[0], tmp_path / "deep.csv", ExportRequest("csv", threshold=0.2))
    (tmp_path / "other.csv").write_text((tmp_path / "deep.csv").read_text().replace("tiny,", "gpt2,"))
    found = compared((read_csv(tmp_path / "other.csv"), runs[1]))
    assert "mean ≥ 0.2" in _table(found, "depth").about
    assert "A is a CSV: its model may have more layers" in _table(found, "depth").about


def test_models_of_experts_and_of_two_sides_have_depths(tmp_path: Path) -> None:
    experts = recorded_run(tmp_path / "experts", layers=3, shape=Shape(experts=3, shared=2))
    sides = recorded_run(tmp_path / "sides", layers=4, shape=Shape(encoders=2))
    found = compared((experts, sides), "reads", 0.3)
    for row in _rows(found, "depth"):
        strong = np.abs(sides.column("selectivity", row["category"])) >= np.float32(0.3)
        assert row["neurons_b"] == strong.sum()


def test_runs_without_a_category_in_common_still_show_their_best(runs: tuple[Run, Run]) -> None:
    other = Run(replace(runs[1].record, categories=("plant", "tool", "shape")), path=runs[1].path)
    found = compared((runs[0], other))
    assert [table.key for table in found.tables] == ["overview", "settings"]
    assert "no category in common" in found.remarks[0]


def test_neuron_by_neuron_is_refused_between_different_models(runs: tuple[Run, Run]) -> None:
    with pytest.raises(UsageError, match="different models") as error:
        compared(runs, differences="figure")
    assert "--as same" in str(error.value.hint)


def test_several_runs_have_the_overview_and_each_against_the_first(tmp_path: Path, runs: tuple[Run, Run]) -> None:
    again = recorded_run(tmp_path / "again", layers=13, width=12)
    found = compared((runs[0], runs[1], again, checked_run(tmp_path / "checked")))
    assert [table.key for table in found.tables] == ["overview", "overview_matrix", "pairs"]
    pairs = _rows(found, "pairs")
    assert [row["relation"] for row in pairs] == ["other model", "same neurons", "other model"]
    assert (pairs[1]["neurons"], pairs[1]["jaccard"], pairs[1]["spearman"]) == (156, 1.0, pytest.approx(1.0))
    assert pairs[0]["neurons"] is None
    assert "neurons" in pairs[0]["settings"]


def test_the_agreement_with_the_first_is_the_median_over_categories(tmp_path: Path, runs: tuple[Run, Run]) -> None:
    first = runs[0]
    arrays = {name: np.array(first.figure(name)) for name in first.record.figures}
    arrays["selectivity"][:, 1] += np.random.default_rng(2).normal(0, 0.3, first.neurons).astype(np.float32)
    arrays["selectivity"][:, 2] *= -1
    third = Run(first.record, arrays, first.path)
    columns = [(first.column("selectivity", name), third.column("selectivity", name)) for name in CATEGORIES]
    expected = sorted(float(spearmanr(*both).statistic) for both in columns)
    assert expected[0] == pytest.approx(-1)
    assert 0 < expected[1] < 0.9
    assert expected[2] == pytest.approx(1)
    pairs = _rows(compared((first, runs[1], third), "reads"), "pairs")
    assert pairs[1]["spearman"] == pytest.approx(expected[1])


def test_every_table_of_several_runs_says_the_threshold_that_it_counted_by(tmp_path: Path) -> None:
    runs = [recorded_run(tmp_path / name) for name in "abc"]
    found = compared(runs, by="mean", threshold=0)
    assert "over all categories: mean ≥ 0. " in _table(found, "pairs").about
    higher = replace(runs[2].record, config=replace(runs[2].config, threshold=0.5))
    mixed = compared((runs[0], runs[1], Run(higher, path=runs[2].path)), by="mean")
    assert "mean ≥ 0.2 or mean ≥ 0.5, the larger of" in _table(mixed, "pairs").about


def test_strong_neurons_are_counted_from_the_threshold_that_was_given(runs: tuple[Run, Run]) -> None:
    found = compared(runs, threshold=0.4)
    assert "(ap 0.4)" in _table(found, "overview").about
    strong = [row["strong"] for row in _rows(found, "overview")]
    deep = [row[f"neurons_{letter}"] for row in _rows(found, "depth") for letter in "ab"]
    assert strong == deep
    assert "(ap 0.5)" in _table(compared(runs, by="mean", threshold=0.4), "overview").about


def _table(report: Report, key: str) -> Table:
    table = report.table(key)
    assert table is not None
    return table


def _rows(report: Report, key: str) -> list[dict[str, Any]]:
    table = _table(report, key)
    return [dict(zip([column.key for column in table.columns], row, strict=True)) for row in table.rows]
