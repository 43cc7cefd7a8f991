"""Every count, pivot, quartile and correlation is what pandas alone works out from the files themselves."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from support.plain_counts import reached, wide_of_csv, wide_of_run

from mechamap.interpret.combinations import combinations_of
from mechamap.interpret.report import interpret_run
from mechamap.runs.run import Run
from mechamap.tables.formats import written
from mechamap.tables.table import Report

# (figure, two-sided, centre, thresholds)
FIGURES = (
    ("selectivity", True, 0.0, (0.5, 0.9)),
    ("mean", False, 0.0, (0.2, 1.0)),
    ("auroc", True, 0.5, (0.8,)),
    ("d", True, 0.0, (1.0,)),
    ("write", True, 0.0, (3.0,)),
    ("ap", False, 0.0, (0.3,)),
)
CASES = [(name, two, centre, t) for name, two, centre, thresholds in FIGURES for t in thresholds]


def frames(report: Report) -> dict[str, pd.DataFrame]:
    """The report's tables as a program gets them: through JSON."""
    plain = json.loads(written(report, "json"))["tables"]
    return {key: pd.DataFrame(table["rows"]) for key, table in plain.items()}


class Both:
    """An interpretation and the same worked out from the files."""

    def __init__(self, report: Report, wide: pd.DataFrame, threshold: float, two_sided: bool, centre: float) -> None:
        self.tables = frames(report)
        self.wide = wide
        self.values = wide.drop(columns="layer")
        self.counts = reached(wide, threshold, two_sided, centre)
        self.flags = self.counts.drop(columns="layer")


@pytest.fixture(scope="module", params=[*CASES, "csv", "csv at 0.5"], ids=str)
def both(request: pytest.FixtureRequest, demo_run: Run, demo_csv: Path, run_called: Callable[[str], Run]) -> Both:
    if isinstance(request.param, str):
        threshold = 0.5 if request.param.endswith("0.5") else 0.2
        report = interpret_run(run_called("csv"), threshold=None if threshold == 0.2 else threshold)
        return Both(report, wide_of_csv(demo_csv), threshold, False, 0.0)
    name, two_sided, centre, threshold = request.param
    assert demo_run.path is not None
    report = interpret_run(demo_run, name, threshold)
    return Both(report, wide_of_run(demo_run.path, name), threshold, two_sided, centre)


def test_the_neurons_of_each_category(both: Both) -> None:
    table = both.tables["categories"].set_index("category")
    assert list(table.index) == list(both.values.columns)
    pd.testing.assert_series_equal(table["neurons"], both.flags.sum(), check_names=False)
    np.testing.assert_allclose(table["share"], both.flags.mean())
    if "positive" in table:
        assert (table["positive"] + table["negative"] == table["neurons"]).all()
    for category in both.values:
        layers = both.wide["layer"][both.flags[category]]
        if len(layers):
            assert table["median_layer"][category] == layers.median()
            assert table["spread"][category] == layers.quantile(0.75) - layers.quantile(0.25)
        else:
            assert pd.isna(table["median_layer"][category])


def test_the_pivot_of_layers_and_categories(both: Both) -> None:
    table = both.tables["layers"].set_index("layer")
    expected = both.counts.groupby("layer").sum()
    pd.testing.assert_frame_equal(table[expected.columns], expected, check_names=False, check_dtype=False)
    every = both.flags.any(axis=1).groupby(both.wide["layer"]).sum()
    pd.testing.assert_series_equal(table["total"], every, check_names=False, check_dtype=False)


def test_how_deep_each_category_lies(both: Both) -> None:
    table = both.tables["depth"].set_index("category")
    last = both.wide["layer"].max()
    for category in both.values:
        layers, row = both.wide["layer"][both.flags[category]], table.loc[category]
        assert row["neurons"] == len(layers)
        if not len(layers):
            assert row.drop("neurons").isna().all()
            continue
        quartiles = layers.quantile([0, 0.25, 0.5, 0.75, 1]).tolist()
        assert row[["first", "lower_quartile", "median", "upper_quartile", "last"]].tolist() == quartiles
        assert row["spread"] == quartiles[3] - quartiles[1]
        assert row["relative_depth"] == pytest.approx(layers.median() / last)


def test_neurons_of_several_categories_and_the_sets_they_make(both: Both) -> None:
    number = both.flags.sum(axis=1)
    table = both.tables["several"]
    assert len(table) == (number >= 2).sum()
    if len(table):
        assert Counter(table["number"]) == Counter(number[number >= 2])
        assert table["number"].is_monotonic_decreasing
    sets = Counter(
        frozenset(both.flags.columns[row]) for row in both.flags[number >= 2].to_numpy()
    )  # fmt: skip
    combinations = both.tables["combinations"]
    found = {frozenset(row.categories): row.neurons for row in combinations.itertuples()}
    assert found == dict(sets)
    if len(combinations):
        assert combinations["neurons"].is_monotonic_decreasing
    info = both.tables["info"].set_index("fact")["value"]
    assert info["neurons"] == len(both.values)
    assert info["count for any category"] == (number > 0).sum()
    assert info["for exactly one"] == (number == 1).sum()
    assert info["for several"] == (number > 1).sum()
    assert info["for none"] == (number == 0).sum()


def test_correlation_between_categories(both: Both) -> None:
    exactly = "neuron" not in both.wide
    table = both.tables["correlation"].set_index("category").astype(float)
    expected = both.values.corr()
    assert list(table.index) == list(table.columns) == list(expected.columns)
    np.testing.assert_allclose(
        table, expected, rtol=0 if exactly and both.values.dtypes.iloc[0] == np.float32 else 1e-5
    )
    neurons = both.tables["correlation_neurons"].set_index("category")
    for one in both.values:
        for other in both.values:
            assert neurons.loc[one, other] == (both.values[one].notna() & both.values[other].notna()).sum()


def test_a_row_of_several_names_its_categories_strongest_first(demo_run: Run) -> None:
    report = interpret_run(demo_run, "reads", 0.7)
    table = frames(report)["several"]
    assert len(table) > 5
    for row in table.itertuples():
        at = demo_run.row_of(row.neuron)
        values = demo_run.figure("selectivity")[at]
        order = np.argsort(-np.abs(values), kind="stable")[: row.number]
        assert row.categories == [demo_run.categories[category] for category in order]
        assert row.values == values[order].tolist()  # every digit, as programs read it


@pytest.mark.parametrize("categories", [2, 8, 63, 64, 65, 130])
def test_sets_of_categories_are_counted_as_plain_python_counts_them(categories: int) -> None:
    random = np.random.default_rng(categories)
    kinds = random.random((40, categories)) < 0.3
    counts = kinds[random.integers(0, 40, 500)]
    counts[::7, -1] ^= True
    names = tuple(f"c{at}" for at in range(categories))
    found = combinations_of(counts)
    plain = Counter(tuple(name for name, there in zip(names, row, strict=True) if there) for row in counts.tolist())
    every = found.first(None, names)
    assert dict(every) == plain
    assert len(found) == len(every) == len(plain)
    assert [times for _, times in every] == sorted(plain.values(), reverse=True)
    assert found.first(3, names) == every[:3]
    # of sets that are as frequent, the one with the earlier categories is first
    order = [(-times, [name not in which for name in names]) for which, times in every]
    assert order == sorted(order)


def test_infinite_values_count_and_are_said(demo_run: Run) -> None:
    means = np.full((demo_run.neurons, 8), 0.1, np.float32)
    means[5, :3] = np.inf
    means[6, :2] = 2, np.inf
    means[7, :2] = 2, 1
    run = Run(demo_run.record, {"mean": means}, demo_run.path)
    report = interpret_run(run, "mean")
    table = frames(report)["several"]
    assert table["neuron"].tolist() == ["L0.N5", "L0.N6", "L0.N7"]
    assert table["number"].tolist() == [3, 2, 2]
    first, second = demo_run.categories[:2]
    assert table["categories"].tolist() == [[*demo_run.categories[:3]], [second, first], [first, second]]
    assert table["values"].tolist() == [[None, None, None], [None, 2], [2, 1]]
    assert (
        "4 values of mean are infinite: judged by their sign, shown as missing, and left out of correlations and "
        "evenness." in report.remarks
    )


@pytest.mark.parametrize("figure", ["selectivity", "mean", "d", "ap"])
def test_the_strongest_neurons_are_the_largest_values(demo_run: Run, figure: str) -> None:
    assert demo_run.path is not None
    values = wide_of_run(demo_run.path, figure).drop(columns="layer").reset_index(drop=True)
    size = values if figure in ("mean", "ap") else values.abs()
    tables = frames(interpret_run(demo_run, figure, top=4))
    for category, rows in tables["top"].groupby("category"):
        best = size[category].nlargest(4)
        assert rows["neuron"].tolist() == [str(demo_run.neuron_name(row)) for row in best.index]
        assert rows["rank"].tolist() == [1, 2, 3, 4]
        np.testing.assert_array_equal(rows["value"].astype(np.float32), values[category][best.index])
        its = tables["categories"].set_index("category").loc[category]
        assert (its["best"], its["value"]) == (rows["neuron"].iloc[0], rows["value"].iloc[0])


def test_of_neurons_that_share_the_smallest_p_the_stronger_come_first(demo_run: Run) -> None:
    p = np.full((demo_run.neurons, 8), 0.5, np.float32)
    p[[9, 70, 1500]] = 0.005
    record = replace(demo_run.record, figures=(*demo_run.record.figures, "p"))
    run = Run(record, {"p": p}, demo_run.path)
    size = np.abs(demo_run.figure("selectivity")[:, 0])
    rows = frames(interpret_run(run, "p", top=4))["top"]
    best = [*sorted([9, 70, 1500], key=lambda row: -size[row]), int(np.argmax(np.where(p[:, 0] == 0.5, size, 0)))]
    assert rows["neuron"][:4].tolist() == [str(run.neuron_name(row)) for row in best]
    assert rows["confirmed"][:4].tolist() == ["yes", "yes", "yes", "no"]


def test_a_falling_neuron_is_shown_where_it_is_lowest(run_called: Callable[[str], Run]) -> None:
    run = run_called("checked")
    rows = frames(interpret_run(run))["top"].set_index("neuron")
    falls, rises = rows.loc["L2.N11"], rows.loc["L1.N7"]
    assert (falls["direction"], rises["direction"]) == ("falls", "rises")
    assert falls["tokens"][0] == run.top_tokens(run.row_of("L2.N11"), lowest=True)[0].piece.strip()
    assert rises["tokens"][0] == run.top_tokens(run.row_of("L1.N7"))[0].piece.strip()


def test_up_and_down(demo_run: Run) -> None:
    assert demo_run.path is not None
    values = wide_of_run(demo_run.path, "selectivity").drop(columns="layer")
    by_reads, by_mean = (frames(interpret_run(demo_run, by))["signs"] for by in ("reads", "mean"))
    pd.testing.assert_frame_equal(by_reads, by_mean)  # a mean has one side, so selectivity says it
    table = by_reads.set_index("category")
    for category, its in values.items():
        row = table.loc[category]
        assert row["scored"] == its.notna().sum()
        assert (row["positive"], row["negative"]) == ((its >= 0.9).sum(), (its <= -0.9).sum())
        assert row["positive_share"] == pytest.approx((its > 0).mean())
        said = row[["median", "median_positive", "median_negative"]].tolist()
        assert said == pytest.approx([its.median(), its[its > 0].median(), its[its < 0].median()])


@pytest.mark.parametrize(("name", "figure"), [("demo", "ap"), ("checked", "strength"), ("experts", "ap")])
def test_without_a_figure_neurons_go_by_precision_and_up_or_down_by_selectivity(
    name: str, figure: str, run_called: Callable[[str], Run]
) -> None:
    run = run_called(name)
    assert run.path is not None
    values, reads = (
        wide_of_run(run.path, one).drop(columns="layer").reset_index(drop=True) for one in (figure, "selectivity")
    )
    if run.has("occurrences"):
        values = values.where(run.figure("occurrences") >= 5)
    report = interpret_run(run, threshold=0.1, top=4)
    assert report.title.endswith(f"by {figure}")
    tables = frames(report)
    categories = tables["categories"].set_index("category")
    for category, rows in tables["top"].groupby("category"):
        counts, down = values[category] >= np.float32(0.1), reads[category] < 0
        assert categories.loc[category, ["neurons", "positive", "negative"]].tolist() == [
            counts.sum(),
            (counts & ~down).sum(),
            (counts & down).sum(),
        ]
        best = values[category].nlargest(4).index
        assert rows["neuron"].tolist() == [str(run.neuron_name(row)) for row in best]
        np.testing.assert_array_equal(rows["value"].astype(np.float32), values[category][best])
        np.testing.assert_array_equal(rows["reads"].astype(np.float32), reads[category][best])
        assert rows["direction"].tolist() == ["falls" if falls else "rises" for falls in down[best]]
    assert 0 < categories["negative"].sum() < categories["neurons"].sum()


def test_a_run_without_average_precision_is_judged_as_it_was_by_selectivity(demo_run: Run) -> None:
    figures = tuple(name for name in demo_run.record.figures if name != "ap")
    early = interpret_run(Run(replace(demo_run.record, figures=figures), None, demo_run.path))
    late = interpret_run(demo_run, "reads")
    assert (early.title, early.remarks) == (late.title, late.remarks)
    tables = zip(early.tables, late.tables, strict=True)
    assert [one.key for one, other in tables if one != other] == ["info"]  # which lists the figures


def test_dead_neurons_of_each_layer(demo_run: Run, run_called: Callable[[str], Run]) -> None:
    some = np.zeros(demo_run.neurons, np.float32)
    some[[3, 700, 701, 2000]] = 1
    run = Run(demo_run.record, {"dead": some}, demo_run.path)
    table = frames(interpret_run(run))["dead"]
    assert table["dead"].tolist() == [1, 2, 0, 1]
    assert table["neurons"].tolist() == [640] * 4
    assert "dead" not in frames(interpret_run(run_called("csv")))


def test_the_sides_of_a_model_are_told_apart(run_called: Callable[[str], Run]) -> None:
    run = run_called("sides")
    assert run.path is not None
    wide = wide_of_run(run.path, "selectivity")
    table = frames(interpret_run(run, "reads", 0.3))["depth"]
    assert table["side"].tolist() == ["encoder", "decoder"] * 3
    for row in table.itertuples():
        its = wide[(wide["layer"] < 2) == (row.side == "encoder")]
        layers = its["layer"][its[row.category].abs() >= np.float32(0.3)]
        assert row.neurons == len(layers)
        first, last = (0, 1) if row.side == "encoder" else (2, 4)
        assert row.relative_depth == pytest.approx((layers.median() - first) / (last - first))


def test_a_run_that_is_not_complete_is_interpreted_as_far_as_it_is(run_called: Callable[[str], Run]) -> None:
    run = run_called("partial")
    assert run.path is not None
    report = interpret_run(run, "reads", 0.3)
    tables, wide = frames(report), wide_of_run(run.path, "selectivity")
    assert len(wide) == 32
    assert tables["layers"]["layer"].tolist() == [0, 1]
    counts = reached(wide, np.float32(0.3), True).drop(columns="layer")
    assert tables["categories"]["neurons"].tolist() == counts.sum().tolist()
    assert tables["correlation"].set_index("category").to_numpy() == pytest.approx(wide.drop(columns="layer").corr())
    assert any("2 of 4 layers are complete" in remark for remark in report.remarks)


def test_experts_that_few_words_came_to_do_not_count(run_called: Callable[[str], Run]) -> None:
    run = run_called("experts")
    values = np.array(run.figure("selectivity"))
    values[1::2] = np.nan
    report = interpret_run(run, "reads", 0.3)
    tables: dict[str, Any] = frames(report)
    assert tables["categories"]["neurons"].tolist() == (np.abs(values) >= np.float32(0.3)).sum(axis=0).tolist()
    assert any("fewer than 5" in remark for remark in report.remarks)
    assert tables["top"]["neuron"].str.contains("E").any()
    assert set(tables["top"]["routed"]) <= set(np.array(run.figure("tokens")).tolist())
