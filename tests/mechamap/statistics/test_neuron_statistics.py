"""A layer's statistics, against plain computation, in any batches and merged in any order."""

from __future__ import annotations

import random
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from support.plain_statistics import SmallCorpus, parts_of, plain_statistics, small_corpora, statistics_of

from mechamap.statistics.neuron_statistics import LayerStatistics, bytes_per_neuron
from mechamap.statistics.places import Places


@pytest.fixture(scope="module", autouse=True, params=["torch", "numba"])
def _way(request: pytest.FixtureRequest) -> Iterator[None]:
    """Every test goes both ways."""
    if request.param == "numba":
        pytest.importorskip("numba")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("mechamap.statistics.neuron_statistics.is_compiled", lambda: request.param == "numba")
        yield


CUTS = st.lists(st.integers(1, 60), max_size=5)


def assert_equal(statistics: LayerStatistics, other: LayerStatistics) -> None:
    """Counts, contexts and draws exactly, sums up to rounding."""
    arrays, expected = statistics.arrays(), other.arrays()
    assert arrays.keys() == expected.keys()
    for name, array in arrays.items():
        if name in ("sums", "category_sums", "category_squares"):
            scale = np.abs(expected[name]).max(initial=0)
            np.testing.assert_allclose(array, expected[name], rtol=1e-12, atol=1e-14 * scale, err_msg=name)
        else:
            np.testing.assert_array_equal(array, expected[name], err_msg=name)


@settings(max_examples=60, deadline=None)
@given(small_corpora(), CUTS)
def test_batches_give_what_plain_computation_gives(corpus: SmallCorpus, cuts: list[int]) -> None:
    statistics = LayerStatistics(corpus.values.shape[1], corpus.seed, contexts=3)
    for rows in parts_of(corpus, cuts):
        statistics.add(torch.from_numpy(corpus.values[rows]), Places(corpus.keys[rows], corpus.seed))
    arrays, expected = statistics.arrays(), plain_statistics(corpus)
    for name, array in expected.items():
        np.testing.assert_array_equal(arrays[name], array, err_msg=name)
    assert arrays["count"].tolist() == [len(corpus.keys)] * corpus.values.shape[1]
    powers = corpus.values.astype(np.float64)[None] ** np.arange(1, 5)[:, None, None]  # [4, positions, neurons]
    np.testing.assert_allclose(arrays["sums"], powers.sum(axis=1), atol=1e-12 * np.abs(powers).sum(axis=1).max())


@settings(max_examples=60, deadline=None)
@given(small_corpora(), CUTS, st.randoms(use_true_random=False))
def test_parts_merge_in_any_order_to_the_whole(corpus: SmallCorpus, cuts: list[int], chance: random.Random) -> None:
    parts = [statistics_of(corpus, rows) for rows in parts_of(corpus, cuts)]
    while len(parts) > 1:
        chance.shuffle(parts)
        parts[0].merge(LayerStatistics.from_arrays(parts.pop().arrays()))
    assert_equal(parts[0], statistics_of(corpus, slice(None)))


@settings(max_examples=60, deadline=None)
@given(small_corpora(), CUTS)
def test_arrays_that_were_read_back_go_on_growing(corpus: SmallCorpus, cuts: list[int]) -> None:
    statistics = LayerStatistics(corpus.values.shape[1], corpus.seed, contexts=3)
    for rows in parts_of(corpus, cuts):
        statistics = LayerStatistics.from_arrays(statistics.arrays())
        statistics.add(torch.from_numpy(corpus.values[rows]), Places(corpus.keys[rows], corpus.seed))
    assert_equal(statistics, statistics_of(corpus, slice(None)))


@settings(max_examples=60, deadline=None)
@given(small_corpora(), st.sampled_from([torch.bfloat16, torch.float16, torch.float64]))
def test_activations_of_any_float_type_count_as_the_float32_they_are(corpus: SmallCorpus, dtype: torch.dtype) -> None:
    values = torch.from_numpy(corpus.values).clamp(-6e4, 6e4).to(dtype)
    read = SmallCorpus(values.float().numpy(), corpus.keys, corpus.seed)
    assert_equal(statistics_of(read, slice(None), dtype), statistics_of(read, slice(None)))


@settings(max_examples=60, deadline=None)
@given(small_corpora(), st.integers(0, 2**32 - 1))
def test_routed_rows_give_what_zeros_elsewhere_give_but_for_contexts(corpus: SmallCorpus, chance: int) -> None:
    positions, neurons = corpus.values.shape
    routed = np.random.default_rng(chance).random(positions) < 0.5
    places = Places(corpus.keys, corpus.seed)
    sparse = LayerStatistics(neurons + 2, corpus.seed, contexts=3)
    rows = np.flatnonzero(routed)
    sparse.add(torch.from_numpy(corpus.values[rows]), places.take(rows), positions, first=1)
    dense = LayerStatistics(neurons, corpus.seed, contexts=3)
    dense.add(torch.from_numpy(corpus.values * routed[:, None]), places)
    alone = LayerStatistics(neurons, corpus.seed, contexts=3)
    alone.add(torch.from_numpy(corpus.values[rows]), places.take(rows))
    arrays = sparse.arrays()
    for name in ("count", "histogram"):
        np.testing.assert_array_equal(arrays[name][1:-1], dense.arrays()[name])
        assert not arrays[name][[0, -1]].any()
    np.testing.assert_allclose(arrays["sums"][:, 1:-1], dense.arrays()["sums"], rtol=1e-12)
    for name in ("highest_values", "highest_keys", "lowest_values", "lowest_keys", "drawn_values", "drawn_keys"):
        np.testing.assert_array_equal(arrays[name][1:-1], alone.arrays()[name])


@settings(max_examples=60, deadline=None)
@given(small_corpora(), CUTS, st.sampled_from([np.nan, np.inf, -np.inf]))
def test_neurons_that_are_not_finite_are_left_out(corpus: SmallCorpus, cuts: list[int], bad: float) -> None:
    spoilt = corpus.values.copy()
    spoilt[len(spoilt) // 2, 0] = bad
    statistics = LayerStatistics(spoilt.shape[1], corpus.seed, contexts=3)
    for rows in parts_of(corpus, cuts):
        statistics.add(torch.from_numpy(spoilt[rows]), Places(corpus.keys[rows], corpus.seed))
    arrays, expected = statistics.arrays(), statistics_of(corpus, slice(None)).arrays()
    assert np.isnan(arrays["sums"][:, 0]).all()
    assert not arrays["histogram"][0].any()
    for side in ("highest", "lowest", "drawn"):
        assert (arrays[f"{side}_keys"][0] == -1).all()
        np.testing.assert_array_equal(arrays[f"{side}_keys"][1:], expected[f"{side}_keys"][1:])
    assert statistics.moments.not_finite.tolist() == [True, *[False] * (spoilt.shape[1] - 1)]


def test_a_batch_without_positions_changes_nothing() -> None:
    statistics = LayerStatistics(3, seed=0)
    statistics.add(torch.zeros(0, 3), Places(np.zeros(0, np.int64), 0))
    assert_equal(statistics, LayerStatistics(3, seed=0))


def test_statistics_with_different_seeds_are_not_merged() -> None:
    with pytest.raises(ValueError, match="seeds 0 and 1"):
        LayerStatistics(3, seed=0).merge(LayerStatistics(3, seed=1))


def test_the_stated_memory_is_what_the_tensors_take() -> None:
    statistics = LayerStatistics(1000, seed=0, contexts=16, categories=5)
    kept = (statistics.moments, statistics.histogram, statistics.contexts, statistics.draws, statistics.categories)
    tensors = [value for part in kept for value in vars(part).values() if isinstance(value, torch.Tensor)]
    shared = statistics.categories.count
    taken = sum(tensor.nbytes for tensor in tensors if tensor is not shared)
    assert taken == 1000 * bytes_per_neuron(contexts=16, categories=5)
