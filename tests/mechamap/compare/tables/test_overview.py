"""The table over several runs: its best neurons, counts and depths are those of each run."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support.recorded_run import CATEGORIES, Shape, checked_run, recorded_run

from mechamap.compare.alignment.labels import run_labels
from mechamap.compare.tables.overview import overview_matrix, overview_table
from mechamap.csv_files.run import read_csv
from mechamap.exports.registry import ExportRequest, export_run
from mechamap.figures.findings import confirmed
from mechamap.query.evaluate import matching
from mechamap.runs.figure_names import CATEGORY_FIGURES, LATER_FIGURES
from mechamap.runs.layout import relative_depth
from mechamap.runs.run import Run
from mechamap.tables.table import Table


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[Run]:
    """One that was confirmed, one of another width that was not, and a CSV of the second."""
    folder = tmp_path_factory.mktemp("runs")
    other = recorded_run(folder / "other", layers=5, width=9, seed=3)
    export_run(other, folder / "other.csv", ExportRequest("csv", threshold=0.1))
    return [checked_run(folder / "checked"), other, read_csv(folder / "other.csv")]


@pytest.fixture(scope="module")
def table(runs: list[Run]) -> Table:
    return overview_table(runs)


def test_every_category_has_a_row_for_every_model(runs: list[Run], table: Table) -> None:
    labels = run_labels(runs)
    assert [(row[0], row[1]) for row in table.rows] == [(name, label) for name in CATEGORIES for label in labels]


@pytest.mark.parametrize("figure", ["strength", "ap"])
def test_the_best_of_a_confirmed_run_is_the_confirmed_neuron_with_the_largest_value(
    runs: list[Run], table: Table, figure: str
) -> None:
    """By strength where all runs that have scores have it, here by ``ap`` beside one that was not confirmed."""
    run = runs[0]
    for category in ("food", "color"):
        row = _row(overview_table([run]) if figure == "strength" else table, category, 0)
        best = int(np.where(confirmed(run, category), run.column(figure, category), -1).argmax())
        assert (row["best"], row["by"]) == (str(run.neuron_name(best)), figure)
        assert row["value"] == pytest.approx(float(run.column(figure, category)[best]))
        assert row["held"] == pytest.approx(float(run.column("held_out_auroc", category)[best]))
        assert row["p"] == pytest.approx(0.005)
        assert row["confirmed"] == int((run.column("p", category) < 0.05).sum())


def test_a_neuron_that_dropped_on_a_second_text_is_no_longer_confirmed_and_the_best_is_one_of_all(
    runs: list[Run], table: Table
) -> None:
    row = _row(table, "animal", 0)
    assert (row["best"], row["by"], row["confirmed"]) == ("L0.N3", "ap", 0)
    assert row["held"] == pytest.approx(0.97)


def test_the_best_of_an_unconfirmed_run_has_the_largest_average_precision_up_or_down(
    runs: list[Run], table: Table
) -> None:
    run = runs[1]
    for category in CATEGORIES:
        row = _row(table, category, 1)
        values = run.column("ap", category)
        assert row["best"] == str(run.neuron_name(int(values.argmax())))
        assert row["value"] == pytest.approx(float(values.max()))
        assert row["reads"] == pytest.approx(float(run.column("selectivity", category)[values.argmax()]))
        assert (row["by"], row["confirmed"], row["held"], row["p"]) == ("ap", None, None, None)
    assert "Not confirmed: " + run_labels(runs)[1] in table.about


def test_runs_of_earlier_versions_have_their_best_by_what_all_have(runs: list[Run]) -> None:
    """One that was confirmed before there was a strength, and one from before there was ``ap``."""
    no_strength, no_ap = (
        Run(replace(runs[0].record, figures=tuple(name for name in runs[0].record.figures if name not in lacking)),
            path=runs[0].path)
        for lacking in (("strength",), ("strength", "ap"))
    )  # fmt: skip
    for others, figure in (([no_strength, runs[1]], "ap"), ([no_strength, no_ap], "reads"), ([no_ap], "reads")):
        row = _row(overview_table(others), "color", 0)
        assert (row["best"], row["by"], row["confirmed"], row["strong"]) == ("L2.N11", figure, 1, 1)
    assert row["value"] == pytest.approx(-0.97)
    matrix = overview_matrix([no_ap, no_strength])
    assert matrix.title == "Largest |reads|"
    assert [row[1] for row in matrix.rows] == [row[2] for row in matrix.rows] == pytest.approx([0.95, 0.98, 0.97])


def test_the_best_of_a_csv_has_the_largest_mean(runs: list[Run], table: Table) -> None:
    run = runs[2]
    for category in CATEGORIES:
        row = _row(table, category, 2)
        values = run.column("mean", category)
        assert (row["by"], row["best"]) == ("mean", str(run.neuron_name(int(np.nanargmax(values)))))


def test_counts_and_depths_are_those_of_the_neurons_that_their_links_lead_to(runs: list[Run], table: Table) -> None:
    keys = [column.key for column in table.columns]
    followed = 0
    for at, row in enumerate(table.rows):
        for key in ("confirmed", "strong", "depth"):
            link = table.link(at, keys.index(key))
            cell = row[keys.index(key)]
            if link is None:
                assert cell is None
                continue
            run = runs[link.run]
            found = matching(run, link.where, link.category)
            expected = np.median(relative_depth(run)[found]) if key == "depth" else found.sum()
            assert cell == pytest.approx(float(expected)), (row[:2], key)
            followed += 1
    assert followed >= 20


def test_one_that_is_not_confirmed_is_not_the_best_and_one_that_falls_may_be(tmp_path: Path) -> None:
    run = checked_run(tmp_path / "checked")
    arrays = {name: np.array(run.figure(name)) for name in run.record.figures}
    for name, selectivity, strength, p in (
        ("L0.N1", 0.91, 0.93, 0.005),
        ("L1.N1", -0.99, 0.95, 0.005),
        ("L2.N1", 0.99, 0.99, 0.2),
    ):
        place = run.row_of(name), 1
        arrays["selectivity"][place], arrays["strength"][place], arrays["p_matched"][place] = selectivity, strength, p
        arrays["hard_auroc"][place] = 0.9
    changed = Run(run.record, arrays, run.path)
    row = _row(overview_table([changed]), "food", 0)
    assert (row["best"], row["by"], row["value"]) == ("L1.N1", "strength", pytest.approx(0.95))
    assert row["reads"] == pytest.approx(-0.99)
    assert row["tokens"][0] == changed.top_tokens(changed.row_of("L1.N1"), lowest=True)[0].piece.strip()


def test_depth_is_of_neurons_chosen_in_one_way_in_all_runs(runs: list[Run], tmp_path: Path, table: Table) -> None:
    run = runs[0]
    for category in CATEGORIES:  # the second run was not confirmed
        strong = run.column("ap", category) >= np.float32(0.5)
        row = _row(table, category, 0)
        assert row["depth"] == pytest.approx(float(np.median(relative_depth(run)[strong])))
    assert (
        "Depth: the median over the strong neurons, in confirmed runs too because not all are confirmed;" in table.about
    )
    confirmed_runs = overview_table([run, checked_run(tmp_path / "too")])
    assert "Depth: the median over the confirmed neurons;" in confirmed_runs.about
    assert [_row(confirmed_runs, category, 0)["depth"] for category in CATEGORIES] == [None, 0.5, 1]
    assert "the median over the strong neurons;" in overview_table(runs[1:]).about


def test_a_neuron_that_falls_is_shown_with_its_lowest_tokens(runs: list[Run], table: Table) -> None:
    row = _row(table, "color", 0)
    assert row["best"] == "L2.N11"
    lowest = runs[0].top_tokens(runs[0].row_of("L2.N11"), lowest=True)
    assert row["tokens"][0] == lowest[0].piece.strip()


def test_a_category_that_a_run_does_not_have_is_empty_there(tmp_path: Path, runs: list[Run]) -> None:
    per_category = [name for name in (*CATEGORY_FIGURES, *LATER_FIGURES) if runs[1].has(name)]
    figures = {name: runs[1].figure(name)[:, :2] for name in per_category}
    fewer = Run(replace(runs[1].record, categories=CATEGORIES[:2]), figures, runs[1].path)
    row = _row(overview_table([runs[0], fewer]), "color", 1)
    assert {value for key, value in row.items() if key not in ("category", "model")} == {None}


def test_an_experts_neuron_that_few_words_came_to_is_not_the_best(tmp_path: Path) -> None:
    run = recorded_run(tmp_path / "experts", shape=Shape(experts=4, shared=2))
    few = run.figure("occurrences") < 5
    for category in CATEGORIES:
        row = _row(overview_table([run]), category, 0)
        assert row["best"] is None or not few[run.row_of(str(row["best"])), run.category_index(category)]


def test_the_matrix_of_confirmed_runs_has_the_largest_strength(runs: list[Run], tmp_path: Path) -> None:
    table = overview_matrix([runs[0], checked_run(tmp_path / "too"), runs[2]])
    assert table.heat
    assert table.title == "Largest strength"
    for column in (1, 2):
        assert dict(zip(CATEGORIES, [row[column] for row in table.rows], strict=True)) == {
            "animal": pytest.approx(0.85), "food": pytest.approx(0.88), "color": pytest.approx(0.87)
        }  # fmt: skip
    assert {row[3] for row in table.rows} == {None}


def test_the_matrix_has_the_largest_average_precision_where_any_run_was_not_confirmed(runs: list[Run]) -> None:
    table = overview_matrix(runs)
    largest = runs[1].figure("ap").max(axis=0)
    assert [row[1] for row in table.rows] == pytest.approx([0.9, 0.93, 0.92])
    assert [row[2] for row in table.rows] == pytest.approx(largest.tolist())
    assert {row[3] for row in table.rows} == {None}  # a mean is no precision


def test_two_runs_of_one_model_are_told_apart(runs: list[Run]) -> None:
    int8 = replace(runs[1].record.model, packing="int8 (torchao)")
    packed = Run(replace(runs[1].record, model=int8), path=runs[1].path)
    assert run_labels([runs[1], packed]) == ("float32 tiny", "int8 tiny")
    assert run_labels([runs[0], runs[1]]) == ("checked", "other")
    assert run_labels([runs[1], runs[1]]) == ("tiny #1", "tiny #2")
    assert run_labels(runs)[2] == "CSV tiny"


def _row(table: Table, category: str, run: int) -> dict[str, object]:
    found = [row for row in table.rows if row[0] == category][run]
    return dict(zip([column.key for column in table.columns], found, strict=True))
