"""Sums over all occurrences of each category."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mechamap.statistics.neuron_statistics import LayerStatistics


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 3), max_size=40), st.integers(0, 2**32 - 1), st.integers(0, 40))
def test_batches_and_merges_give_the_sums_of_all_occurrences(categories: list[int], chance: int, cut: int) -> None:
    numbers = np.array(categories, np.int64)
    values = np.random.default_rng(chance).standard_normal((len(numbers), 3)).astype(np.float32)
    first, second = LayerStatistics(3, seed=0, categories=5), LayerStatistics(3, seed=0, categories=5)
    first.add_occurrences(numbers[:cut], torch.from_numpy(values[:cut]))
    second.add_occurrences(numbers[cut:], torch.from_numpy(values[cut:]))
    first.merge(second)
    arrays = first.arrays()
    for category in range(5):
        chosen = values[numbers == category].astype(np.float64)
        assert arrays["category_count"][category] == len(chosen)
        np.testing.assert_allclose(arrays["category_sums"][:, category], chosen.sum(axis=0), atol=1e-12)
        np.testing.assert_allclose(arrays["category_squares"][:, category], (chosen**2).sum(axis=0), atol=1e-12)
