"""Closest neurons against the whole matrix of correlations, worked out by numpy at once."""

from __future__ import annotations

import threading

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mechamap.compare.closest import products, unit_rows
from mechamap.compare.closest.baseline import baseline_slabs
from mechamap.compare.closest.matching import UNIVERSAL, Matches, closest_neurons
from mechamap.compare.closest.products import NumpyProducts, Products, TorchProducts
from mechamap.compare.closest.search import Search
from mechamap.compare.closest.settings import MatchSettings
from mechamap.compare.closest.unit_rows import ArrayRows, standardised
from mechamap.errors import Cancelled, OutOfMemory, UsageError
from mechamap.events import ScanEvent, StageEntered


def activations(neurons: int, words: int, seed: int, shared: np.ndarray | None = None) -> np.ndarray:
    """Of uneven sizes and means, and mixed from a few things that all of them know, so that some are alike."""
    rng = np.random.default_rng(seed)
    known = rng.normal(size=(6, words)) if shared is None else shared
    values = rng.normal(size=(neurons, len(known))) @ known + rng.normal(0, 1, (neurons, words))
    return (values * rng.lognormal(0, 2, (neurons, 1)) + rng.normal(0, 3, (neurons, 1))).astype(np.float32)


def two_models(neurons_a: int, neurons_b: int, words: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    shared = np.random.default_rng(seed).normal(size=(6, words))
    return activations(neurons_a, words, seed + 1, shared), activations(neurons_b, words, seed + 2, shared)


def correlations(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.corrcoef(a.astype(np.float64), b.astype(np.float64))[: len(a), len(a) :]


def assert_closest(matches: Matches, a: np.ndarray, b: np.ndarray, *, signed: bool) -> None:
    truth = correlations(a, b)
    judged = truth if signed else np.abs(truth)
    # Two may be as close but for rounding: what was found must be as close as the closest.
    np.testing.assert_allclose(judged[np.arange(len(a)), matches.best], judged.max(axis=1), atol=2e-6)
    np.testing.assert_allclose(judged[matches.best_b, np.arange(len(b))], judged.max(axis=0), atol=2e-6)
    np.testing.assert_allclose(matches.correlation, truth[np.arange(len(a)), matches.best], atol=1e-6)
    np.testing.assert_allclose(matches.correlation_b, truth[matches.best_b, np.arange(len(b))], atol=1e-6)
    np.testing.assert_array_equal(matches.mutual, matches.best_b[matches.best] == np.arange(len(a)))
    np.testing.assert_array_equal(matches.mutual_b, matches.best[matches.best_b] == np.arange(len(b)))


@pytest.mark.parametrize("signed", [False, True])
@given(st.integers(1, 90), st.integers(1, 90), st.integers(3, 40), st.integers(0, 10**6))
@settings(deadline=None, max_examples=25)
def test_the_closest_are_those_of_the_whole_matrix(signed: bool, neurons_a: int, neurons_b: int, words: int, seed: int):
    a, b = two_models(neurons_a, neurons_b, words, seed)
    matches = closest_neurons(ArrayRows(a), ArrayRows(b), MatchSettings(signed=signed))
    assert_closest(matches, a, b, signed=signed)
    assert matches.words == words


WORKERS = [
    NumpyProducts(signed=False, threads=1, block=(32, 50)),
    NumpyProducts(signed=True, threads=1, block=(32, 50)),
    NumpyProducts(signed=False, threads=3, block=(32, 50)),
    NumpyProducts(signed=True, threads=3, block=(32, 50)),
    TorchProducts("cpu", signed=False, block=(64, 90)),
    TorchProducts("cpu", signed=True, block=(64, 90)),
]


@pytest.mark.parametrize("worker", WORKERS)
def test_blocks_pieces_threads_and_torch_find_the_same(monkeypatch: pytest.MonkeyPatch, worker: Products):
    a, b = two_models(210, 330, 30)
    signed = worker.signed
    monkeypatch.setattr(unit_rows, "SLAB_BYTES", 100 * 30 * 4)  # four pieces of the other model
    monkeypatch.setattr(unit_rows, "CHUNK_BYTES", 17 * 30 * 4)
    search = Search(worker, lambda event: None, None)
    best, best_b = search.closest(ArrayRows(a), ArrayRows(b))
    whole = closest_neurons(ArrayRows(a), ArrayRows(b), MatchSettings(signed=signed, baseline="none"))
    np.testing.assert_array_equal(best, whole.best)
    np.testing.assert_array_equal(best_b, whole.best_b)
    found, _ = search.baselines(ArrayRows(a), ArrayRows(b), MatchSettings("rotation", draws=2, signed=signed))
    assert np.isfinite(found).all()


def test_neurons_that_do_not_vary_or_are_not_finite_have_no_match_and_are_nobodys():
    a, b = two_models(40, 50, 30)
    a[3] = 7.25
    a[4] = 0
    a[5, 2] = np.nan
    b[10] = -1e9
    b[11] = np.inf
    b[12] = 1000 + np.float32(1e-4) * np.arange(30)  # rounding
    a[6], b[13] = a[6] * 1e30, b[13] * 1e-30  # sizes are no matter
    matches = closest_neurons(ArrayRows(a), ArrayRows(b), MatchSettings(both=True))
    for row in (3, 4, 5):
        assert matches.best[row] == -1
        assert np.isnan([matches.correlation[row], matches.baseline[row], matches.excess[row]]).all()
        assert not matches.mutual[row]
    for row in (10, 11, 12):
        assert matches.best_b[row] == -1
        assert np.isnan([matches.correlation_b[row], matches.baseline_b[row]]).all()
    assert not np.isin(matches.best, [10, 11, 12]).any() and not np.isin(matches.best_b, [3, 4, 5]).any()
    others = np.setdiff1d(np.arange(40), [3, 4, 5])
    assert np.isfinite(matches.correlation[others]).all() and np.isfinite(matches.baseline[others]).all()
    rest = np.setdiff1d(np.arange(50), [10, 11, 12])
    truth = np.abs(correlations(a[others], b[rest]))
    np.testing.assert_array_equal(matches.best[others], rest[truth.argmax(axis=1)])


@pytest.mark.parametrize("signed", [False, True])
def test_where_the_other_model_has_nothing_that_varies_there_is_no_match(signed: bool):
    a = activations(5, 20, 0)
    matches = closest_neurons(ArrayRows(a), ArrayRows(np.ones((4, 20), np.float32)), MatchSettings(signed=signed))
    assert (matches.best == -1).all() and (matches.best_b == -1).all()
    assert np.isnan(matches.correlation).all() and np.isnan(matches.excess).all()


def test_a_match_may_be_negative_when_signs_count():
    words = np.linspace(-1, 1, 20, dtype=np.float32)[None]
    both = np.concatenate([np.ones((1, 20), np.float32), -words])  # one neuron that does not vary beside it
    matches = closest_neurons(ArrayRows(words), ArrayRows(both), MatchSettings(signed=True, baseline="none"))
    assert matches.best.tolist() == [1] and matches.correlation[0] == pytest.approx(-1)


def test_of_equal_neurons_the_first_counts():
    b = activations(8, 64, 0)
    b[5], b[6] = b[2], -b[2]
    matches = closest_neurons(ArrayRows(b[2:3].copy()), ArrayRows(b), MatchSettings(baseline="none"))
    assert matches.best[0] == 2


# --- the baselines ---------------------------------------------------------------------------------------


def test_rotated_neurons_are_drawn_as_a_normal_matrix_times_the_layer_would_be():
    words, neurons = 7, 4
    x = np.random.default_rng(0).normal(size=(neurons, words)) * [[10], [1], [1], [0.1]]
    centred = x - x.mean(axis=1, keepdims=True)
    rng = np.random.default_rng(1)
    source = ArrayRows(x.astype(np.float32))
    ours = np.concatenate([s.values.copy() for _ in range(4000) for s in baseline_slabs(source, "rotation", rng)])
    theirs = standardised((rng.normal(size=(16000, neurons)) @ centred).astype(np.float32)).values
    assert ours.shape == theirs.shape
    np.testing.assert_allclose(ours.T @ ours / 16000, theirs.T @ theirs / 16000, atol=0.01)  # second moments
    weights = rng.normal(size=(words, 5))
    one, other = (np.quantile(np.abs(its @ weights), [0.5, 0.9, 0.99], axis=0) for its in (ours, theirs))
    np.testing.assert_allclose(one, other, rtol=0.06)


def test_each_layer_is_rotated_by_itself():
    """Two layers that know different things: what is rotated still knows only what its layer knew."""
    rng = np.random.default_rng(0)
    known = np.linalg.qr(rng.normal(size=(20, 7)) - 0)[0].T
    known -= known.mean(axis=1, keepdims=True)
    values = np.concatenate([rng.normal(size=(10, 3)) @ known[:3], rng.normal(size=(30, 4)) @ known[3:]])
    source = ArrayRows(values.astype(np.float32), (slice(0, 10), slice(10, 40)))
    (slab,) = baseline_slabs(source, "rotation", rng)
    assert slab.rows.tolist() == list(range(40))
    for rows, basis in ((slice(0, 10), known[:3]), (slice(10, 40), known[3:])):
        inside = slab.values[rows] @ np.linalg.pinv(basis) @ basis
        np.testing.assert_allclose(inside, slab.values[rows], atol=1e-5)


def test_shuffled_words_are_in_one_order_for_all_neurons_and_serve_both_sides():
    a, b = two_models(30, 45, 25)
    settings = MatchSettings("shuffle", seed=3, both=True)
    matches = closest_neurons(ArrayRows(a), ArrayRows(b), settings)
    order = np.random.default_rng((3, 0)).permutation(25)
    truth = np.abs(correlations(a, b[:, order]))
    np.testing.assert_allclose(matches.baseline, truth.max(axis=1), atol=1e-5)
    np.testing.assert_allclose(matches.baseline_b, truth.max(axis=0), atol=1e-5)
    one = closest_neurons(ArrayRows(a), ArrayRows(b), MatchSettings("shuffle", seed=3))
    np.testing.assert_array_equal(one.baseline, matches.baseline)
    assert np.isnan(one.baseline_b).all()


@pytest.mark.parametrize("baseline", ["rotation", "shuffle"])
def test_draws_are_averaged_and_come_from_the_seed(baseline: str):
    a, b = (ArrayRows(its) for its in two_models(30, 45, 25))
    first = closest_neurons(a, b, MatchSettings(baseline))
    again = closest_neurons(a, b, MatchSettings(baseline))
    other = closest_neurons(a, b, MatchSettings(baseline, seed=1))
    several = closest_neurons(a, b, MatchSettings(baseline, draws=3))
    np.testing.assert_array_equal(first.baseline, again.baseline)
    assert (first.baseline != other.baseline).any() and (first.baseline != several.baseline).any()
    assert np.std(several.baseline - first.baseline) < np.std(other.baseline - first.baseline)


@pytest.mark.parametrize("baseline", ["rotation", "shuffle"])
def test_neurons_that_share_nothing_have_no_excess_and_copies_are_universal(baseline: str):
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(400, 300)).astype(np.float32), rng.normal(size=(500, 300)).astype(np.float32)
    nothing = closest_neurons(ArrayRows(a), ArrayRows(b), MatchSettings(baseline, both=True))
    assert abs(nothing.excess.mean()) < 0.01 and abs(nothing.excess_b.mean()) < 0.01
    assert not (nothing.excess > UNIVERSAL).any()
    b[:20] = -3 * a[:20] + 0.3 * rng.normal(size=(20, 300))
    some = closest_neurons(ArrayRows(a), ArrayRows(b), MatchSettings(baseline))
    np.testing.assert_array_equal(np.flatnonzero(some.excess > UNIVERSAL), np.arange(20))
    assert (some.excess[:20] > UNIVERSAL).all() and (some.correlation[:20] < -0.9).all()


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 8 GiB."),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling cublasCreate(handle)"),
        RuntimeError("MPS backend out of memory (MPS allocated: 9 GB)"),
        MemoryError(),
    ],
)
def test_memory_of_a_device_that_runs_out_is_said_in_words(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def full(*_: object) -> None:
        raise error

    monkeypatch.setattr(products.TorchProducts, "held", lambda _self, values: values)
    monkeypatch.setattr(products.TorchProducts, "maxima", full)
    a, b = (ArrayRows(its) for its in two_models(10, 10, 20))
    with pytest.raises(OutOfMemory, match=r"^The search .* memory of cuda:1: \w") as told:
        closest_neurons(a, b, device="cuda:1")
    assert "--device cpu" in str(told.value.hint)
    assert "total capacity" not in told.value.message


def test_another_error_of_a_device_is_not_taken_for_its_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("shapes cannot be multiplied")

    monkeypatch.setattr(products.NumpyProducts, "maxima", broken)
    a, b = (ArrayRows(its) for its in two_models(10, 10, 20))
    with pytest.raises(RuntimeError, match="shapes"):
        closest_neurons(a, b)


def test_without_a_baseline_there_is_no_excess():
    a, b = (ArrayRows(its) for its in two_models(10, 10, 20))
    matches = closest_neurons(a, b, MatchSettings("none", both=True))
    assert np.isnan(matches.excess).all() and np.isnan(matches.excess_b).all()


# --- what cannot be asked, and stopping ------------------------------------------------------------------


def test_what_makes_no_sense_is_refused():
    a, b = (ArrayRows(its) for its in two_models(5, 5, 20))
    with pytest.raises(UsageError, match="20 words cannot be matched with neurons over 10"):
        closest_neurons(a, ArrayRows(b.values[:, :10]))
    with pytest.raises(UsageError, match="over 2 words"):
        closest_neurons(ArrayRows(a.values[:, :2]), ArrayRows(b.values[:, :2]))
    with pytest.raises(UsageError, match="Unknown baseline 'nothing'"):
        closest_neurons(a, b, MatchSettings("nothing"))
    with pytest.raises(UsageError, match="0 draws"):
        closest_neurons(a, b, MatchSettings(draws=0))


def test_it_tells_how_far_it_is_and_can_be_stopped():
    a, b = (ArrayRows(its) for its in two_models(5000, 10, 20))
    told: list[str] = []
    cancel = threading.Event()

    def see(event: ScanEvent) -> None:
        assert isinstance(event, StageEntered) and event.stage == "match"
        told.append(event.detail)
        if len(told) == 2:
            cancel.set()

    with pytest.raises(Cancelled):
        closest_neurons(a, b, on_event=see, cancel=cancel)
    assert told == ["closest: 0 of 5,000 neurons", "closest: 1,024 of 5,000 neurons"]
