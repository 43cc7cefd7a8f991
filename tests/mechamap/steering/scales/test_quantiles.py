"""One unit of a neuron: the 99.9 % quantile of its size, whatever it is known from."""

from __future__ import annotations

import numpy as np
import torch

from mechamap.statistics.bins import BINS, bins_of
from mechamap.steering.scales.quantiles import SHARE, of_activations, of_histogram

NONE = np.zeros(6, np.bool_)


def drawn(positions: int) -> torch.Tensor:
    return torch.randn(positions, 6, generator=torch.Generator().manual_seed(positions)) * 3


def test_it_is_the_quantile_that_numpy_gives() -> None:
    for positions in (1, 2, 7, 500, 4000):
        values = drawn(positions)
        expected = np.quantile(values.abs().double().numpy(), SHARE, axis=0)
        np.testing.assert_allclose(of_activations(values, NONE), expected, rtol=1e-6)


def test_zeros_of_experts_are_tokens_that_did_not_come() -> None:
    values = drawn(300)
    values[::3, 2] = 0
    values[:, 4] = 0
    routed = np.array([False, False, True, False, True, False])
    scales = of_activations(values, routed)
    came = values[:, 2][values[:, 2] != 0].abs().double().numpy()
    np.testing.assert_allclose(scales[2], np.quantile(came, SHARE), rtol=1e-6)
    assert np.isnan(scales[4])  # no token came
    assert of_activations(values, NONE)[4] == 0  # a dead neuron of a dense layer


def test_what_is_not_finite_has_no_scale() -> None:
    values = drawn(50)
    values[3, 1], values[4, 2] = torch.inf, torch.nan
    assert np.isnan(of_activations(values, NONE)[[1, 2]]).all()


def test_a_histogram_gives_it_within_a_bin() -> None:
    values = drawn(5000)
    counts = np.stack([np.bincount(column, minlength=BINS) for column in bins_of(values).numpy().T])
    low, high = values.amin(dim=0).numpy(), values.amax(dim=0).numpy()
    scales = of_histogram(counts, low, high, NONE)
    exact = of_activations(values, NONE)
    assert (np.abs(scales / exact - 1) < 0.5).all()
    assert (scales <= np.maximum(np.abs(low), np.abs(high)) + 1e-6).all()
