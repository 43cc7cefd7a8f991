"""How specialised neurons are: Shannon's entropy as scipy has it, 0 for one category and 1 for all alike."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import entropy
from support.plain_counts import wide_of_csv, wide_of_run
from support.small_csv import written as written_csv

from mechamap.csv_files.run import read_csv
from mechamap.errors import UsageError
from mechamap.interpret.judged import figure_view
from mechamap.interpret.report import interpret_run, missing_tables
from mechamap.interpret.specialised import evenness, neuron_evenness
from mechamap.runs.run import Run
from mechamap.tables.formats import written

strengths = arrays(np.float64, st.tuples(st.integers(1, 6), st.integers(2, 9)), elements=st.floats(0, 1e6, width=32))


@given(strengths)
def test_it_is_entropy_over_the_largest_there_can_be(values: np.ndarray) -> None:
    found = evenness(values)
    assert found.shape == (len(values),)
    for its, got in zip(values, found, strict=True):
        if its.sum() == 0:
            assert np.isnan(got)
        else:
            assert got == pytest.approx(entropy(its) / np.log(len(its)), abs=1e-9)
            assert 0 <= got <= 1 + 1e-9


@given(strengths, st.floats(0.001, 1000))
def test_it_does_not_depend_on_the_scale(values: np.ndarray, factor: float) -> None:
    np.testing.assert_allclose(evenness(values * factor), evenness(values), atol=1e-6)


def test_one_category_is_0_all_alike_1_and_categories_without_a_value_are_left_out() -> None:
    rows = [[0, 3, 0], [2, 2, 2], [1, 1, np.nan], [1, np.nan, np.nan], [0, 0, 0]]
    np.testing.assert_allclose(evenness(np.array(rows)), [0, 1, 1, np.nan, np.nan])


@pytest.mark.parametrize(("figure", "centre"), [("selectivity", 0), ("auroc", 0.5), ("d", 0), ("write", 0)])
def test_strength_is_the_distance_from_the_centre(demo_run: Run, figure: str, centre: float) -> None:
    assert demo_run.path is not None
    values = wide_of_run(demo_run.path, figure).drop(columns="layer").astype(float)
    expected = entropy(np.abs(values - centre), axis=1) / np.log(8)
    np.testing.assert_allclose(neuron_evenness(figure_view(demo_run, figure, None)), expected, atol=1e-12)


def test_of_a_mean_what_is_negative_counts_as_nothing(demo_run: Run) -> None:
    assert demo_run.path is not None
    values = wide_of_run(demo_run.path, "mean").drop(columns="layer").astype(float).clip(lower=0)
    with np.errstate(invalid="ignore"):
        expected = entropy(values, axis=1) / np.log(8)
    np.testing.assert_allclose(neuron_evenness(figure_view(demo_run, "mean", None)), expected, atol=1e-12)


def test_of_a_csv_what_is_not_listed_counts_as_nothing(run_called: Callable[[str], Run], demo_csv: Path) -> None:
    values = wide_of_csv(demo_csv).drop(columns="layer").fillna(0)
    with np.errstate(invalid="ignore"):
        expected = entropy(values, axis=1) / np.log(values.shape[1])
    np.testing.assert_allclose(neuron_evenness(figure_view(run_called("csv"), None, None)), expected, atol=1e-6)
    assert np.isnan(expected).sum() == (values.max(axis=1) == 0).sum() > 0


def test_a_neuron_with_an_infinite_value_has_no_evenness(tmp_path: Path) -> None:
    rows = "m,0,0,food,inf,[]\nm,0,0,animal,1,[]\nm,0,1,food,inf,[]\nm,0,2,animal,1,[]\n"
    run = read_csv(written_csv(tmp_path, rows))
    np.testing.assert_array_equal(neuron_evenness(figure_view(run, None, None)), [np.nan, np.nan, 0])
    assert rows_of(run, "specialists")["neuron"].tolist() == ["L0.N2"]


def test_quartiles_and_counts_layer_by_layer(demo_run: Run) -> None:
    assert demo_run.path is not None
    wide = wide_of_run(demo_run.path, "selectivity")
    values = wide.drop(columns="layer")
    even = pd.Series(entropy(values.abs().astype(float), axis=1) / np.log(8))
    quartiles = even.groupby(wide["layer"]).quantile([0.25, 0.5, 0.75]).unstack()
    number = (values.abs() >= np.float32(0.6)).sum(axis=1)
    table = rows_of(demo_run, "specialisation", "reads", 0.6)
    np.testing.assert_allclose(table[["lower_quartile", "median", "upper_quartile"]], quartiles, atol=1e-9)
    for name, mask in (("one", number == 1), ("several", number > 1), ("none", number == 0)):
        assert table[name].tolist() == mask.groupby(wide["layer"]).sum().tolist()
    assert table["one_share"].tolist() == pytest.approx((number == 1).groupby(wide["layer"]).mean().tolist())


def test_specialists_are_the_least_even_of_those_that_count(demo_run: Run) -> None:
    assert demo_run.path is not None
    values = wide_of_run(demo_run.path, "selectivity").drop(columns="layer")
    even = pd.Series(entropy(values.abs().astype(float), axis=1) / np.log(8))
    counting = values.abs().max(axis=1) >= np.float32(0.6)
    expected = even[counting].sort_values()
    table = rows_of(demo_run, "specialists", "reads", 0.6)
    assert len(table) == counting.sum() > 10
    np.testing.assert_allclose(table["evenness"], expected, atol=1e-9)
    assert table["evenness"].is_monotonic_increasing
    for row in table.itertuples():
        its = values.iloc[demo_run.row_of(row.neuron)]
        assert row.category == its.abs().idxmax()
        assert row.value == pytest.approx(its[row.category])
        assert row.direction == ("falls" if row.value < 0 else "rises")


def test_of_neurons_listed_under_one_category_alone_the_strongest_come_first(run_called: Callable[[str], Run]) -> None:
    table = rows_of(run_called("csv"), "specialists")
    alone = table[table["evenness"] == 0]
    assert len(alone) > 10
    assert alone["value"].is_monotonic_decreasing


def test_a_p_is_no_strength(run_called: Callable[[str], Run]) -> None:
    run = run_called("checked")
    report = interpret_run(run, "p")
    assert report.table("specialisation") is None
    assert set(missing_tables(run, "p")) == {"specialisation", "specialists"}
    with pytest.raises(UsageError, match="p is not a strength that can be added up"):
        interpret_run(run, "p", only=("specialists",))


def rows_of(run: Run, key: str, by: str | None = None, threshold: float | None = None) -> pd.DataFrame:
    report = interpret_run(run, by, threshold, only=(key,))
    return pd.DataFrame(json.loads(written(report, "json"))["tables"][key]["rows"])
