"""Two runs of the same neurons: every number is what pandas and scipy find, and links lead to the neurons counted."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr
from support.comparisons import compared
from support.recorded_run import CATEGORIES, Shape, checked_run, recorded_run

from mechamap.compare.tables.ranks import spearman, top_overlap_by_layer
from mechamap.csv_files.run import read_csv
from mechamap.errors import UsageError
from mechamap.exports.registry import ExportRequest, export_run
from mechamap.protocol.messages import decode, plain
from mechamap.query.evaluate import matching
from mechamap.runs.figure_names import CATEGORY_FIGURES
from mechamap.runs.run import Run
from mechamap.tables.table import Report, Table


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, Run]:
    """A run, and the same with noise on its selectivity and a few neurons that appear, vanish and turn."""
    folder = tmp_path_factory.mktemp("runs")
    a = recorded_run(folder / "before", layers=4, width=60)
    rng = np.random.default_rng(7)
    selectivity = np.array(a.figure("selectivity"))
    selectivity += rng.normal(0, 0.1, selectivity.shape).astype(np.float32)
    selectivity[a.row_of("L1.N7"), 1] = 0.2  # vanishes: food
    selectivity[a.row_of("L2.N11"), 2] = 0.96  # turns: color
    selectivity[a.row_of("L3.N40"), 0] = -0.93  # appears: animal
    selectivity[a.row_of("L3.N41"), 0] = np.nan
    recorded_run(folder / "after", layers=4, width=60)
    arrays = {name: np.array(a.figure(name)) for name in a.record.figures}
    arrays["selectivity"] = selectivity.clip(-1, 1)
    b = Run(a.record, arrays, folder / "after")
    return a, b


@pytest.fixture(scope="module")
def report(runs: tuple[Run, Run]) -> Report:
    return compared(runs, "reads")


def test_the_title_says_which_run_is_which_and_how_many_neurons_they_share(report: Report) -> None:
    assert report.title == "A before, B after: 240 neurons, the same in both"
    assert report.main == "categories"
    assert decode(plain(report), Report) == report


def test_counts_are_those_of_pandas(runs: tuple[Run, Run], report: Report) -> None:
    a, b = _frames(runs)
    strong_a, strong_b = a.abs() >= np.float32(0.9), b.abs() >= np.float32(0.9)
    for row in _rows(report, "categories"):
        name = row["category"]
        in_a, in_b = strong_a[name], strong_b[name]
        expected = {
            "in_a": in_a.sum(), "in_b": in_b.sum(), "kept": (in_a & in_b).sum(),
            "appeared": (in_b & ~in_a).sum(), "vanished": (in_a & ~in_b).sum(),
            "turned": (in_a & in_b & (np.sign(a[name]) != np.sign(b[name]))).sum(),
        }  # fmt: skip
        assert {key: row[key] for key in expected} == {key: int(value) for key, value in expected.items()}
        assert row["jaccard"] == pytest.approx((in_a & in_b).sum() / (in_a | in_b).sum())
        assert row["spearman"] == pytest.approx(spearmanr(a[name], b[name], nan_policy="omit").statistic)
    assert sum(row["appeared"] for row in _rows(report, "categories")) >= 1
    assert [row["turned"] for row in _rows(report, "categories")] == [0, 0, 1]


def test_links_lead_to_as_many_neurons_as_a_count_says(runs: tuple[Run, Run], report: Report) -> None:
    table = _table(report, "categories")
    followed = 0
    for at, row in enumerate(table.rows):
        for column, cell in enumerate(row):
            if link := table.link(at, column):
                assert matching(runs[link.run], link.where, link.category).sum() == cell
                followed += 1
    assert followed >= 3 * len(CATEGORIES)


def test_links_of_runs_that_share_some_neurons_keep_to_those(runs: tuple[Run, Run]) -> None:
    a, b = runs
    rows = np.concatenate([np.arange(10), 60 + np.arange(10)])  # ten neurons of layers 0 and 1
    layers = tuple(replace(layer, first_row=10 * at, width=10) for at, layer in enumerate(b.layers[:2]))
    part = Run(replace(b.record, layers=layers), {name: b.figure(name)[rows] for name in b.record.figures}, b.path)
    found = compared((a, part), "reads", 0.2)
    table = _table(found, "categories")
    for at, row in enumerate(table.rows):
        for column in (1, 2):
            link = table.link(at, column)
            assert link is not None
            assert matching((a, part)[link.run], link.where).sum() == row[column]
    assert sum(int(row[1]) for row in table.rows) > 5  # type: ignore[arg-type]


def test_changes_come_with_the_largest_first(runs: tuple[Run, Run], report: Report) -> None:
    a, b = _frames(runs)
    difference = (b - a).stack().sort_values(key=np.abs, ascending=False)
    rows = _rows(report, "changes")
    assert [row["difference"] for row in rows] == pytest.approx(difference.dropna().tolist()[: len(rows)])
    assert (rows[0]["neuron"], rows[0]["category"]) == ("L2.N11", "color")
    assert rows[0]["a"] == pytest.approx(-0.97)
    assert rows[0]["b"] == pytest.approx(0.96)
    assert len(rows) == int(difference.notna().sum())


def test_the_longest_tables_end_at_the_limit_and_say_so(runs: tuple[Run, Run]) -> None:
    table = _table(compared(runs, "reads", limit=5), "changes")
    assert table.total == len(_rows(compared(runs, "reads", limit=10**6), "changes")) > 5
    assert len(table.rows) == 5
    assert "The 5 largest of 719 differences" in table.about


def test_what_appeared_and_vanished_is_listed(runs: tuple[Run, Run], report: Report) -> None:
    appeared = [(row["neuron"], row["category"]) for row in _rows(report, "appeared")]
    vanished = [(row["neuron"], row["category"]) for row in _rows(report, "vanished")]
    assert ("L3.N40", "animal") in appeared
    assert ("L1.N7", "food") in vanished
    assert not set(appeared) & set(vanished)
    counts = [sum(row[key] for row in _rows(report, "categories")) for key in ("appeared", "vanished")]
    assert counts == [len(appeared), len(vanished)]


def test_a_neuron_that_falls_shows_its_lowest_words(runs: tuple[Run, Run], report: Report) -> None:
    row = next(row for row in _rows(report, "appeared") if row["neuron"] == "L3.N40")
    b = runs[1]
    lowest = b.top_tokens(b.row_of("L3.N40"), lowest=True)[0].piece.strip()
    assert row["tokens"][0] == lowest


def test_agreement_of_layers_is_scipys_within_each(runs: tuple[Run, Run], report: Report) -> None:
    a, b = _frames(runs)
    rows = _rows(report, "layers")
    assert [row["layer"] for row in rows] == [0, 1, 2, 3]
    for row in rows:
        its = runs[0].layer_of == row["layer"]
        for name in CATEGORIES:
            expected = spearmanr(a.loc[its, name], b.loc[its, name], nan_policy="omit").statistic
            assert row[name] == pytest.approx(expected)
    assert _table(report, "layers").limit == 1.0


def test_overlap_is_the_share_of_the_strongest_in_common(tmp_path: Path) -> None:
    a, b = recorded_run(tmp_path / "a", width=300), recorded_run(tmp_path / "b", width=300, seed=1)
    one, other = _frames((a, b))
    for row in _rows(compared((a, b), "reads"), "overlap"):
        its = a.layer_of == row["layer"]
        for name in CATEGORIES:
            top = [set(frame.loc[its, name].abs().nlargest(3).index) for frame in (one, other)]
            assert row[name] == pytest.approx(len(top[0] & top[1]) / 3)


def test_equally_strong_neurons_are_shared_as_often_as_chance_has_it() -> None:
    rng = np.random.default_rng(0)
    found = []
    for _ in range(200):  # layers of 400 neurons, 10 % of which have the smallest p, in either run others
        a, b = (np.where(rng.permutation(400) < 40, 1.0, rng.uniform(0, 0.5, 400)) for _ in range(2))
        found.append(top_overlap_by_layer(a[:, None], b[:, None], np.zeros(400, np.int64))[0, 0])
    assert np.mean(found) == pytest.approx(0.01, abs=0.001)
    tied = np.array([[3.0], [2.0], [2.0], *[[1.0]] * 197])  # of 200 neurons two are the strongest, one of them by lot
    assert top_overlap_by_layer(tied, tied, np.zeros(200, np.int64)).item() == pytest.approx((1 + 2 * 0.25) / 2)
    assert np.isnan(top_overlap_by_layer(tied * np.nan, tied, np.zeros(200, np.int64)).item())


def test_what_chance_shares_of_the_strongest_is_told_by_the_size_of_the_layers(tmp_path: Path, report: Report) -> None:
    assert "chance alone shares 1.7 %." in _table(report, "overlap").about  # 1 of 60, and 1 of 59 where one has none
    wide = recorded_run(tmp_path / "wide", width=300)
    assert "chance alone shares 1 %." in _table(compared((wide, wide)), "overlap").about
    small = recorded_run(tmp_path / "small")
    assert "chance alone shares 6.2 %." in _table(compared((small, small)), "overlap").about


def test_every_figure_of_both_runs_is_compared(runs: tuple[Run, Run], report: Report) -> None:
    rows = {row["figure"]: row for row in _rows(report, "figures")}
    assert {"reads", "writes", "auroc", "d", "ap", "mean", "max", "min", "mean_all", "std_all", "fire"} == set(rows)
    a, b = _frames(runs)
    size = (b - a).abs().stack().dropna()
    reads = rows["reads"]
    assert reads["median"] == pytest.approx(size.median(), rel=1e-6)
    assert reads["percentile_99"] == pytest.approx(size.quantile(0.99), rel=1e-6)
    assert (reads["neuron"], reads["category"], reads["largest"]) == ("L2.N11", "color", pytest.approx(1.93))
    assert reads["spearman"] == pytest.approx(
        np.median([spearmanr(a[name], b[name], nan_policy="omit").statistic for name in CATEGORIES])
    )
    assert (rows["d"]["largest"], rows["d"]["neuron"]) == (0, None)


def test_ranks_with_many_ties_agree_as_scipy_says() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.integers(0, 4, 200).astype(float), rng.integers(0, 4, 200).astype(float)
    b[3] = np.nan
    assert spearman(a, b) == pytest.approx(spearmanr(a, b, nan_policy="omit").statistic)
    assert np.isnan(spearman(a, np.ones(200)))
    assert np.isnan(spearman(a[:2], b[:2]))


@pytest.mark.parametrize("figure", ["d", "mean", "write", "auroc"])
def test_by_any_figure(tmp_path: Path, figure: str) -> None:
    a, b = recorded_run(tmp_path / "a"), recorded_run(tmp_path / "b", seed=1)
    rows = _rows(compared((a, b), by=figure), "changes")
    difference = np.array(b.figure(figure)) - np.array(a.figure(figure))
    largest = np.unravel_index(np.abs(difference).argmax(), difference.shape)
    assert rows[0]["difference"] == pytest.approx(difference[largest])
    assert rows[0]["neuron"] == str(a.neuron_name(int(largest[0])))


def test_by_itself_it_goes_by_precision_and_a_neuron_turns_by_the_sign_of_its_selectivity(tmp_path: Path) -> None:
    a, b = recorded_run(tmp_path / "a"), recorded_run(tmp_path / "b", seed=1)
    found = compared((a, b), threshold=0.1)
    strong_a, strong_b = (np.array(run.figure("ap")) >= np.float32(0.1) for run in (a, b))
    signs = np.sign(a.figure("selectivity")) * np.sign(b.figure("selectivity"))
    turned = (strong_a & strong_b & (signs < 0)).sum(axis=0)
    rows = _rows(found, "categories")
    assert [row["in_a"] for row in rows] == strong_a.sum(axis=0).tolist()
    assert [row["kept"] for row in rows] == (strong_a & strong_b).sum(axis=0).tolist()
    assert [row["turned"] for row in rows] == turned.tolist()
    assert 10 < turned.sum() < (strong_a & strong_b).sum()


@pytest.mark.parametrize(
    ("a", "b", "figure"),
    [
        (("ap", "strength"), ("ap", "strength"), "strength"),
        (("ap", "strength"), ("ap",), "ap"),
        (("ap", "strength"), (), "reads"),
        ((), (), "reads"),
    ],
)
def test_runs_are_compared_by_what_both_have(
    tmp_path: Path, a: tuple[str, ...], b: tuple[str, ...], figure: str
) -> None:
    """A run of an early version has no ``ap``, one that was not confirmed since has no ``strength``."""
    run = checked_run(tmp_path / "run")
    runs = []
    for kept in (a, b):
        figures = tuple(name for name in run.record.figures if name not in {"ap", "strength"} - {*kept})
        runs.append(Run(replace(run.record, figures=figures), path=run.path))
    found = compared(runs)
    assert _table(found, "categories").title == f"What stayed: neurons that count, by {figure}"
    assert [row["in_b"] for row in _rows(found, "categories")] == [1, 1, 1]  # the planted ones
    assert [row["turned"] for row in _rows(found, "categories")] == [0, 0, 0]


def test_checks_that_both_have_stand_beside_the_changes(tmp_path: Path) -> None:
    a = checked_run(tmp_path / "a")
    arrays = {name: np.array(a.figure(name)) for name in a.record.figures}
    arrays["selectivity"][5, 1] += 0.3
    arrays["held_out_auroc"][5, 1] = 0.25
    row = _rows(compared((a, Run(a.record, arrays, a.path)), "reads"), "changes")[0]
    assert (row["held_out_auroc_b"], row["p_a"], row["p_b"]) == (0.25, 1.0, 1.0)


def test_a_run_and_itself_have_no_difference(runs: tuple[Run, Run]) -> None:
    found = compared((runs[0], runs[0]))
    assert found.remarks[0].startswith("The runs do not differ")
    assert _rows(found, "changes") == []
    assert all(row["jaccard"] in (1, None) for row in _rows(found, "categories"))


def test_two_models_trained_apart_are_told_by_their_ranks(tmp_path: Path) -> None:
    a, b = recorded_run(tmp_path / "a", width=200), recorded_run(tmp_path / "b", width=200, seed=1)
    assert "--as different" in " ".join(compared((a, b)).remarks)
    assert "--as different" not in " ".join(compared((a, a)).remarks)


def test_a_csv_and_its_run_are_compared_by_mean(runs: tuple[Run, Run], tmp_path: Path) -> None:
    run = runs[0]
    export_run(run, tmp_path / "run.csv", ExportRequest("csv", threshold=0.2))
    found = compared((read_csv(tmp_path / "run.csv"), run))
    mean = pd.DataFrame(np.array(run.figure("mean")), columns=list(CATEGORIES))
    for row in _rows(found, "categories"):
        strong = int((mean[row["category"]].round(4) >= 0.2).sum())
        assert abs(row["in_b"] - strong) <= 1  # the file has four decimals
        assert row["in_a"] - row["in_b"] in (0, 1)
        assert row["appeared"] == 0
    assert "A CSV" in str(_rows(found, "settings")[1]["means"])
    with pytest.raises(UsageError, match="no figure reads"):
        compared((read_csv(tmp_path / "run.csv"), run), by="reads")


def test_what_a_csv_does_not_list_is_not_known_below_its_own_threshold(runs: tuple[Run, Run], tmp_path: Path) -> None:
    run = runs[0]
    export_run(run, tmp_path / "run.csv", ExportRequest("csv", threshold=0.2))
    listed = read_csv(tmp_path / "run.csv")
    low = compared((run, listed), threshold=0.05, by="mean")
    assert sum(row["in_a"] - row["in_b"] for row in _rows(low, "categories")) > 3
    assert sum(row["vanished"] for row in _rows(low, "categories")) <= 1  # the file has four decimals
    assert "run.csv lists only means of 0.2 or more" in " ".join(low.remarks)
    high = compared((run, listed), threshold=0.3, by="mean")
    assert "run.csv lists" not in " ".join(high.remarks)
    raised = np.where(np.array(run.figure("mean")) >= 0.1, 0.5, np.array(run.figure("mean")))
    other = Run(run.record, {"mean": raised.astype(np.float32)}, run.path)
    appeared = sum(row["appeared"] for row in _rows(compared((listed, other), by="mean"), "categories"))
    assert appeared == ((raised >= 0.2) & (np.array(run.figure("mean")) < 0.2)).sum() > 0


def test_a_csv_that_lists_from_a_higher_threshold_on_has_lost_nothing(runs: tuple[Run, Run], tmp_path: Path) -> None:
    for name, threshold in (("low", 0.2), ("high", 0.35)):
        export_run(runs[0], tmp_path / f"{name}.csv", ExportRequest("csv", threshold=threshold))
    low, high = (read_csv(tmp_path / f"{name}.csv") for name in ("low", "high"))
    least = float(np.nanmin(high.figure("mean")))
    assert (low.figure("mean") >= 0.2).sum() > (high.figure("mean") >= 0.2).sum() + 10
    for pair in ((low, high), (high, low)):
        found = compared(pair)
        assert [(row["appeared"], row["vanished"], row["jaccard"]) for row in _rows(found, "categories")] == [
            (0, 0, 1)
        ] * 3
        assert f"mean ≥ {least:g}" in _table(found, "categories").about
        assert f"The smallest mean that high.csv lists is {least:g}" in " ".join(found.remarks)
        assert "low.csv lists" not in " ".join(found.remarks)
        below = compared(pair, threshold=0.2)
        assert {row["vanished"] + row["appeared"] for row in _rows(below, "categories")} == {0}
        assert f"high.csv lists only means of {least:g} or more" in " ".join(below.remarks)


def test_a_wide_csv_without_selectivity_knows_every_mean(runs: tuple[Run, Run], tmp_path: Path) -> None:
    export_run(runs[0], tmp_path / "wide.csv", ExportRequest("csv", wide=True))
    frame = pd.read_csv(tmp_path / "wide.csv")
    some = frame[[name for name in frame if not name.startswith("selectivity.")]]
    some.to_csv(tmp_path / "some.csv", index=False)
    found = compared((read_csv(tmp_path / "some.csv"), runs[0]), "mean", 0.1)
    assert _rows(found, "settings")[1]["a"] == "CSV, every figure"
    assert "lists means" not in " ".join(found.remarks)
    assert "of a CSV, those listed" not in _table(found, "categories").about


def test_what_has_no_value_in_one_run_neither_appeared_nor_vanished(tmp_path: Path) -> None:
    a = recorded_run(tmp_path / "a", shape=Shape(experts=4, shared=2))
    arrays = {name: np.array(a.figure(name)) for name in a.record.figures}
    occurrences = np.full_like(arrays["occurrences"], 9)
    many = Run(a.record, {**arrays, "occurrences": occurrences}, a.path)
    occurrences = occurrences.copy()
    occurrences[::2] = 1
    few = Run(a.record, {**arrays, "occurrences": occurrences}, a.path)
    found = compared((many, few), threshold=0.1)
    assert sum(row["in_a"] for row in _rows(found, "categories")) > sum(
        row["in_b"] for row in _rows(found, "categories")
    )
    assert [(row["appeared"], row["vanished"]) for row in _rows(found, "categories")] == [(0, 0)] * 3
    assert "not counted as kept, appeared or vanished" in " ".join(found.remarks)


def test_a_measured_effect_is_not_compared_with_an_estimated_one(tmp_path: Path) -> None:
    a = checked_run(tmp_path / "a")
    arrays = {name: np.array(a.figure(name)) for name in a.record.figures}
    measured = np.full_like(arrays["cause_measured"], np.nan)
    measured[0], measured[1] = 0.5, 0.2
    measured[0, 1] = np.nan  # which leaves five that one run has measured and one has not
    plain = Run(a.record, {**arrays, "cause_measured": np.full_like(measured, np.nan)}, a.path)
    some = Run(a.record, {**arrays, "cause_measured": measured}, a.path)
    one_sided = compared((some, plain), by="causes")
    assert not _rows(one_sided, "changes")
    assert "5 effects of a neuron on a category were measured in one run only" in " ".join(one_sided.remarks)
    assert {row["largest"] for row in _rows(one_sided, "figures") if row["figure"] == "causes"} == {0}
    both = Run(a.record, {**arrays, "cause_measured": measured + np.float32(0.1)}, a.path)
    changes = _rows(compared((some, both), by="causes"), "changes")
    assert [row["difference"] for row in changes] == pytest.approx([0.1] * 5)


def test_every_neuron_is_listed_where_asked_for(runs: tuple[Run, Run]) -> None:
    a, b = _frames(runs)
    assert compared(runs).table("differences") is None
    frame = _frame(_table(compared(runs, "reads", differences="figure"), "differences"))
    assert frame["neuron"].tolist() == [str(runs[0].neuron_name(row)) for row in range(240)]
    for name in CATEGORIES:
        assert np.allclose(frame[f"selectivity.{name}.a"].astype(float), a[name], equal_nan=True)
        assert np.allclose(frame[f"selectivity.{name}.difference"].astype(float), b[name] - a[name], equal_nan=True)
    larger = {name: np.array(runs[1].figure(name)) for name in runs[1].record.figures}
    larger["max"] += 2
    both = (runs[0], Run(runs[1].record, larger, runs[1].path))
    every = _frame(_table(compared(both, differences="all"), "differences"))
    assert np.allclose(every["max.difference"].astype(float), 2, atol=1e-5)
    for name in CATEGORIES:
        assert np.allclose(every[f"selectivity.{name}.difference"].astype(float), b[name] - a[name], equal_nan=True)
    assert {f"{figure}.food.difference" for figure in CATEGORY_FIGURES} <= set(every.columns)
    assert {"max.difference", "dead.difference"} <= set(every.columns)


def test_runs_without_a_category_in_common_are_compared_by_what_neurons_have(runs: tuple[Run, Run]) -> None:
    other = Run(replace(runs[1].record, categories=("plant", "tool", "shape")), path=runs[0].path)
    found = compared((runs[0], other))
    assert [table.key for table in found.tables] == ["settings", "figures"]
    assert [row["figure"] for row in _rows(found, "figures")] == ["max", "min", "mean_all", "std_all", "fire"]
    assert "no category in common" in " ".join(found.remarks)


def test_a_threshold_that_makes_no_sense_is_refused(runs: tuple[Run, Run]) -> None:
    for by in (None, "reads"):
        with pytest.raises(UsageError, match="every neuron would count"):
            compared(runs, by, 0)
    with pytest.raises(UsageError, match="between 0 and 1"):
        compared(runs, by="auroc", threshold=3)
    with pytest.raises(UsageError, match="needs at least two runs"):
        compared(runs[:1])


def _frames(runs: tuple[Run, Run]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Selectivity ``[neurons, categories]`` of both."""
    first, second = (pd.DataFrame(np.array(run.figure("selectivity")), columns=list(CATEGORIES)) for run in runs)
    return first, second


def _table(report: Report, key: str) -> Table:
    table = report.table(key)
    assert table is not None
    return table


def _rows(report: Report, key: str) -> list[dict[str, Any]]:
    table = _table(report, key)
    return [dict(zip([column.key for column in table.columns], row, strict=True)) for row in table.rows]


def _frame(table: Table) -> pd.DataFrame:
    return pd.DataFrame(table.rows, columns=[column.key for column in table.columns])
