"""The bins that all models share, and what is read from counts in them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from support.plain_statistics import VALUES, plain_bin

from mechamap.statistics.bins import BINS, EDGES, bins_of
from mechamap.statistics.histogram import fire_of, percentile_of, quantile

FLOATS = st.lists(st.floats(allow_nan=False, allow_infinity=False, width=32), min_size=1, max_size=60)


def counted(values: np.ndarray) -> np.ndarray:
    return np.bincount(bins_of(torch.from_numpy(values)).numpy(), minlength=BINS)[None]


@settings(max_examples=60, deadline=None)
@given(FLOATS)
def test_a_value_lies_between_the_edges_of_its_column(values: list[float]) -> None:
    bins = bins_of(torch.tensor(values)).numpy()
    assert bins.tolist() == [plain_bin(value) for value in values]
    assert (EDGES[bins] <= values).all()
    assert (values <= EDGES[bins + 1]).all()


def test_values_on_edges_and_zeros_have_the_columns_that_are_promised() -> None:
    values = np.array([0.0, -0.0, 1e-45, -1e-45, 2.0**-8, -(2.0**-8), 2.0**7, -(2.0**7), 3e38, -3e38], np.float32)
    assert bins_of(torch.from_numpy(values)).tolist() == [31, 31, 32, 31, 33, 30, 63, 0, 63, 0]
    assert [float(EDGES[column]) for column in (0, 1, 31, 32, 33, 34, 63, 64)] == [
        -np.inf, -(2.0**7), -(2.0**-8), 0.0, 2.0**-8, 1.5 * 2.0**-8, 2.0**7, np.inf,
    ]  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(FLOATS)
def test_what_fires_is_counted_exactly(values: list[float]) -> None:
    assert fire_of(counted(np.array(values, np.float32))).tolist() == [sum(value > 0 for value in values)]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0, 1))
def test_a_quantile_is_off_by_no_more_than_its_bin(chance: int, share: float) -> None:
    values = np.random.default_rng(chance).standard_normal(500).astype(np.float32) * 3
    low, high = values.min(keepdims=True), values.max(keepdims=True)
    exact = float(np.quantile(values, share, method="inverted_cdf"))
    found = quantile(counted(values), share, low, high)[0]
    assert low[0] <= found <= high[0]
    assert abs(plain_bin(found) - plain_bin(exact)) <= 1
    assert abs(found - exact) <= max(abs(exact) / 2, 2.0**-8)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(-20, 20))
def test_the_percentile_of_a_value_is_off_by_no_more_than_the_share_of_its_bin(chance: int, value: float) -> None:
    values = np.random.default_rng(chance).standard_normal(500).astype(np.float32) * 3
    counts = counted(values)
    found = percentile_of(counts, np.array([value]), values.min(keepdims=True), values.max(keepdims=True))[0]
    assert 0 <= found <= 1
    column = np.clip(np.searchsorted(EDGES, value, side="right") - 1, 0, 63)
    assert abs(found - np.mean(values < value)) <= counts[0, column] / 500 + 1e-12


def test_the_smallest_and_the_largest_value_are_the_ends() -> None:
    values = np.array(VALUES, np.float32)
    low, high = values.min(keepdims=True), values.max(keepdims=True)
    assert [quantile(counted(values), share, low, high)[0] for share in (0.0, 1.0)] == [low[0], high[0]]


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_without_activations_there_is_no_quantile(share: float) -> None:
    nothing, unknown = np.zeros((2, 64), np.int64), np.full(2, np.nan, np.float32)
    assert np.isnan(quantile(nothing, share, unknown, unknown)).all()
    assert np.isnan(percentile_of(nothing, np.zeros(2), unknown, unknown)).all()
