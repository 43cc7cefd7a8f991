"""Moments from power sums, against scipy."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mechamap.statistics.neuron_statistics import LayerStatistics
from mechamap.statistics.places import Places


def moments_of(values: np.ndarray) -> LayerStatistics:
    statistics = LayerStatistics(values.shape[1], seed=0)
    statistics.add(torch.from_numpy(values), Places(np.arange(len(values)), 0))
    return statistics


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([1e-3, 1.0, 1e4]), st.sampled_from([0.0, 1.0, 5.0]))
def test_they_are_those_of_scipy(chance: int, scale: float, shift: float) -> None:
    values = np.random.default_rng(chance).gamma(2.0, size=(300, 4)) * scale + shift * scale
    values = values.astype(np.float32)
    moments, exact = moments_of(values).moments, values.astype(np.float64)
    np.testing.assert_allclose(moments.mean(), exact.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(moments.std(), exact.std(axis=0), rtol=1e-9)
    np.testing.assert_allclose(moments.skew(), scipy.stats.skew(exact), rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(moments.kurtosis(), scipy.stats.kurtosis(exact), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("value", [0.0, 0.1, -7.3, 3e38])
def test_what_never_varies_has_no_skew_and_no_kurtosis(value: float) -> None:
    moments = moments_of(np.full((1000, 1), value, np.float32)).moments
    assert moments.mean()[0] == pytest.approx(np.float32(value), rel=1e-12)
    assert moments.std()[0] == 0
    assert np.isnan([moments.skew()[0], moments.kurtosis()[0]]).all()


def test_without_activations_they_are_nan() -> None:
    moments = LayerStatistics(2, seed=0).moments
    for figure in (moments.mean(), moments.std(), moments.skew(), moments.kurtosis()):
        assert np.isnan(figure).all()
