"""Shares of specialised neurons: counted as anybody would, with intervals that hold the truth where it is known."""

from __future__ import annotations

import threading
import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
from support.share_simulation import Population, percentile_interval

from mechamap.compare.closest.specialised_counts import ANY, ONE
from mechamap.compare.closest.specialised_shares import Share, specialised_shares
from mechamap.compare.tables.specialised import specialised_table
from mechamap.compare.words.placements import PlacedWords
from mechamap.errors import Cancelled

POPULATION = Population(1500, 3)


def by_name(shares: tuple[Share, ...]) -> dict[str, Share]:
    return {share.name: share for share in shares}


def test_neurons_are_counted_at_or_above_the_threshold_on_either_side():
    placed = POPULATION.drawn(20, 0)
    found = specialised_shares(placed, threshold=0.8, draws=50)
    holds = np.abs(2 * placed.auroc() - 1) >= 0.8  # [neurons, categories]
    counted = {name: share.counted for name, share in by_name(found.a).items()}
    assert counted == pytest.approx(
        {ONE: (holds.sum(1) == 1).mean(), ANY: holds.any(1).mean(), **{f"c{c}": holds[:, c].mean() for c in range(3)}}
    )
    assert found.neurons == (1500,) and found.b == found.difference == ()
    assert (placed.auroc()[holds[:, 0], 0] < 0.5).any()


def test_a_neuron_right_at_the_threshold_counts():
    sums = np.array([[1.0, 1.0], [0.0, 0.0], [1.0, 0.5]], np.float32)
    placed = PlacedWords(("c",), np.zeros(2, np.intp), ("x", "y"), sums, np.ones((1, 2), np.float32))
    share = by_name(specialised_shares(placed, threshold=1.0).a)["c"]
    assert share.counted == pytest.approx(2 / 3)
    assert by_name(specialised_shares(placed, threshold=0.5).a)["c"].counted == 1


def test_intervals_hold_what_all_words_would_give():
    """Nominal 95 %; 38 of 40 are expected, and quantiles of resamples, which are biased twice, never hold it."""
    truth = POPULATION.shares(0.8)
    held = dict.fromkeys(truth, 0)
    naive = 0
    for seed in range(40):
        placed = POPULATION.drawn(20, seed)
        for share in specialised_shares(placed, threshold=0.8, draws=200, seed=seed).a:
            held[share.name] += share.low <= truth[share.name] <= share.high
            assert share.low <= share.corrected <= share.high
        if seed < 5:
            low, high = percentile_interval(placed, 0.8, 50, seed)
            naive += low <= truth[ANY] <= high
    assert min(held.values()) >= 35, held
    assert naive == 0


def test_the_correction_takes_the_bias_off():
    truth = POPULATION.shares(0.8)[ANY]
    found = [by_name(specialised_shares(POPULATION.drawn(20, seed), threshold=0.8, draws=100).a) for seed in range(20)]
    counted, corrected = (np.mean([getattr(its[ANY], name) for its in found]) for name in ("counted", "corrected"))
    assert counted > 1.05 * truth
    assert abs(corrected - truth) < (counted - truth) / 3


def test_the_same_words_are_drawn_for_both_models():
    a = POPULATION.drawn(20, 0)
    noise = np.random.default_rng(1).normal(0, 0.02, a.sums.shape)
    b = replace(a, sums=(a.sums + noise).clip(0, 1).astype(np.float32))
    renamed = replace(b, words=tuple(f"other {word}" for word in b.words))
    paired = by_name(specialised_shares(a, b, threshold=0.8, draws=300).difference)
    apart = by_name(specialised_shares(a, renamed, threshold=0.8, draws=300).difference)
    for name in (ONE, ANY, "c0"):
        assert paired[name].counted == apart[name].counted
        assert paired[name].high - paired[name].low < (apart[name].high - apart[name].low) / 2
    same = specialised_shares(a, a, threshold=0.8, draws=100)
    assert same.a == same.b
    assert all((its.counted, its.corrected, its.low, its.high) == (0, 0, 0, 0) for its in same.difference)


def test_a_difference_interval_holds_the_true_difference():
    one, other = POPULATION, Population(1500, 3, seed=5)
    truth = {name: share - other.shares(0.8)[name] for name, share in one.shares(0.8).items()}
    held = dict.fromkeys(truth, 0)
    for seed in range(20):
        found = specialised_shares(one.drawn(20, seed), other.drawn(20, seed + 99), threshold=0.8, draws=200)
        for share in found.difference:
            held[share.name] += share.low <= truth[share.name] <= share.high
    assert min(held.values()) >= 17, held


def test_models_with_other_categories_are_compared_in_those_that_both_have():
    a = POPULATION.drawn(10, 0)
    b = replace(a, categories=("c0", "c1", "d"))
    found = specialised_shares(a, b, threshold=0.8, draws=50)
    assert [share.name for share in found.difference] == ["c0", "c1"]
    assert [share.name for share in found.b] == [ONE, ANY, "c0", "c1", "d"]


def test_neurons_without_scores_are_not_among_those_counted_and_few_occurrences_say_nothing():
    a = POPULATION.drawn(10, 0)
    sums = a.sums.copy()
    sums[:500] = np.nan
    found = specialised_shares(replace(a, sums=sums), threshold=0.8, draws=50)
    rest = specialised_shares(replace(a, sums=a.sums[500:]), threshold=0.8, draws=50)
    assert found == rest and found.neurons == (1000,)

    counts = np.ones_like(sums)  # of experts: to each neuron other words came
    sums = a.sums.copy()
    counts[:700, 4:10] = sums[:700, 4:10] = 0  # four words of c0
    found = specialised_shares(replace(a, sums=sums, counts=counts), threshold=0.8, draws=50)
    holds = np.abs(2 * a.auroc() - 1) >= 0.8
    holds[:700, 0] = False
    assert by_name(found.a)["c0"].counted == pytest.approx(holds[:, 0].mean())
    assert by_name(found.a)[ANY].counted == pytest.approx(holds.any(axis=1).mean())


def test_draws_come_from_the_seed():
    a = POPULATION.drawn(10, 0)
    first, again, other = (specialised_shares(a, threshold=0.8, draws=50, seed=seed) for seed in (1, 1, 2))
    assert first == again and first.a != other.a


def test_memory_does_not_grow_with_neurons_and_draws():
    placed = Population(12_000, 8).drawn(20, 0)
    tracemalloc.start()
    specialised_shares(placed, threshold=0.8, draws=1000)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 200 * 2**20  # of 12,000 x 1,000 x 8 numbers


def test_it_tells_how_far_it_is_and_can_be_stopped_between_blocks(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("mechamap.compare.closest.specialised_counts.BLOCK_BYTES", 4 * 51 * 500)
    placed, told, cancel = POPULATION.drawn(10, 0), [], threading.Event()
    whole = specialised_shares(placed, threshold=0.8, draws=50, on_event=told.append)
    assert [event.detail.rpartition(": ")[2] for event in told] == [
        f"{first} of 1,500 neurons" for first in ("0", "500", "1,000")
    ]
    monkeypatch.undo()
    assert specialised_shares(placed, threshold=0.8, draws=50) == whole
    cancel.set()
    with pytest.raises(Cancelled):
        specialised_shares(placed, threshold=0.8, draws=50, cancel=cancel)


def test_the_corrected_share_lies_in_its_interval_however_few_draws_have_any():
    """It needs nearly all of the 16 clear words of 20: few draws have so many of them, and the upper quantile is 0."""
    sums = np.array([[0.5] * 4 + [1.0] * 16], np.float32)
    placed = PlacedWords(("c",), np.zeros(20, np.intp), tuple(map(str, range(20))), sums, np.ones((1, 20), np.float32))
    seen = 0
    for threshold in (0.95, 0.97, 0.99):
        found = by_name(specialised_shares(placed, threshold=threshold).a)["c"]
        seen += found.counted == 0 and found.high > 0
        assert found.low <= found.corrected <= found.high
    assert seen


def test_a_category_without_words_has_no_share_and_one_of_a_single_word_no_interval():
    sums = np.array([[1.0, 1.0, 1.0], [0.5, 0.5, 0.5]], np.float32)
    category = np.array([0, 0, 1], np.intp)
    placed = PlacedWords(("two", "one", "none"), category, ("x", "y", "z"), sums, np.ones((1, 3), np.float32))
    found = specialised_shares(placed, replace(placed, sums=sums.copy()))
    for shares in (found.a, found.difference):
        its = by_name(shares)
        assert np.isfinite([its["two"].low, its["two"].high, its[ANY].low]).all()
        assert np.isfinite(its["one"].counted)
        assert np.isnan([its["one"].corrected, its["one"].low, its["one"].high]).all()
        assert np.isnan([its["none"].counted, its["none"].low]).all()
    table = specialised_table(found)
    rows = {row[0]: row[1:] for row in table.rows}
    assert rows["none"] == (None,) * 11
    assert rows["one"] == (*(None,) * 9, 500.0, 500.0)
