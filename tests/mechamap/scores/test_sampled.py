"""Figures from sampled positions: equal to scikit-learn's with weights, and to errors worked out pair by pair."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, roc_auc_score

from mechamap.scores.positions import CategoryPositions, ScorePlan
from mechamap.scores.ranked import RankedScores
from mechamap.scores.sampled import SAMPLED_FIGURES, SampledCategory, SampledPositions, sampled_figures

NEURONS = 6
Parts = tuple[NDArray[Any], NDArray[Any]]


def _sample(rng: np.random.Generator, rest: int, sizes: list[int]) -> tuple[NDArray[np.float32], SampledPositions]:
    """Values of neurons that rise, fall or do nothing at the categories' words, and a sample with shared columns."""
    columns = rest + 100
    values = rng.standard_normal((NEURONS, columns)).astype(np.float32)
    sampled = rng.permutation(columns)[:rest]
    categories = []
    for size in sizes:
        occurrences = rng.permutation(columns)[:size]
        values[:, occurrences] += np.linspace(-2, 2, NEURONS, dtype=np.float32)[:, None]
        inside = np.concatenate([np.intersect1d(occurrences, sampled)[:3], rng.permutation(sampled)[: size // 3]])
        inside = np.unique(inside)
        totals = size * int(rng.integers(1, 9)), (rest - len(inside)) * int(rng.integers(1, 90))
        categories.append(SampledCategory(occurrences, rng.permutation(inside), *totals))
    return values, SampledPositions(sampled, tuple(categories))


def _cells(values: NDArray[np.float32], sample: SampledPositions) -> Iterator[tuple[tuple[int, int], Parts, float]]:
    """Each neuron and category: P and R, and the weight of one of P where one of R weighs 1."""
    for number, category in enumerate(sample.categories):
        rest = np.setdiff1d(sample.rest, category.inside)
        weight = category.total_occurrences / len(category.occurrences) * len(rest) / category.total_rest
        for neuron, row in enumerate(values.astype(np.float64)):
            yield (neuron, number), (row[category.occurrences], row[rest]), weight


@pytest.mark.parametrize(("rest", "sizes"), [(200, [1, 2, 40]), (37, [3, 3]), (90, [60])])
@pytest.mark.parametrize("levels", [None, 1, 8])
def test_auroc_and_average_precision_are_those_of_scikit_learn(rest: int, sizes: list[int], levels: int | None) -> None:
    values, sample = _sample(np.random.default_rng(rest), rest, sizes)
    if levels:
        values = np.round(values * levels) / np.float32(levels)  # many are equal
    figures = sampled_figures(values, sample, 1)
    falling = 0
    for cell, (p, r), weight in _cells(values, sample):
        labels = np.r_[np.ones(len(p)), np.zeros(len(r))]
        scores = np.r_[p, r]
        auroc = roc_auc_score(labels, scores)
        assert figures["auroc"][cell] == pytest.approx(auroc, abs=1e-6)
        if abs(auroc - 0.5) > 1e-9:
            falling += auroc < 0.5
            weights = np.r_[np.full(len(p), weight), np.ones(len(r))]
            expected = average_precision_score(labels, np.sign(auroc - 0.5) * scores, sample_weight=weights)
            assert figures["ap"][cell] == pytest.approx(expected, abs=1e-6)
    assert falling > len(sizes)


@pytest.mark.parametrize("kind", ["distinct", "rectified", "coarse"])
def test_a_sample_of_everything_scores_as_a_scan_does(kind: str) -> None:
    rng = np.random.default_rng(4)
    scored = 300
    values = rng.standard_normal((9, scored)).astype(np.float32)
    if kind == "rectified":
        values = np.maximum(values - np.float32(0.5), 0) * np.where(values > 1, 1, -1).astype(np.float32)  # -0.0 too
    elif kind == "coarse":
        values = np.round(values * 4) / np.float32(4)
    plan, sampled = [], []
    for spans in ([(3,), (10, 11), (40, 41, 42)], [(299,)], [(place, place + 1) for place in range(0, 200, 4)]):
        last = np.array([span[-1] for span in spans])
        extra = np.array([place for span in spans for place in span[:-1]], np.intp)
        positions = CategoryPositions(last, tuple(map(np.array, spans)), extra, scored)
        plan.append(positions)
        sampled.append(SampledCategory(last, positions.inside, len(last), positions.rest))
    scan = RankedScores(ScorePlan(np.arange(scored, dtype=np.int32), tuple(plan), "last", 1), 1).score(values)
    figures = sampled_figures(values, SampledPositions(np.arange(scored), tuple(sampled)), 1)
    for name in ("auroc", "ap", "d"):
        np.testing.assert_allclose(figures[name], scan[name], rtol=2e-6, atol=2e-6)


@pytest.mark.parametrize("levels", [None, 2])
def test_standard_errors_are_those_worked_out_pair_by_pair(levels: int | None) -> None:
    values, sample = _sample(np.random.default_rng(5), 80, [2, 30])
    if levels:
        values = np.round(values * levels) / np.float32(levels)
    figures = sampled_figures(values, sample, 1)
    for cell, (p, r), weight in _cells(values, sample):
        assert figures["auroc_se"][cell] == pytest.approx(_delong(p, r), abs=1e-6)
        sign = -1 if figures["auroc"][cell] < 0.5 else 1
        share = weight * len(p) / (weight * len(p) + len(r))
        assert figures["ap_se"][cell] == pytest.approx(_precision_error(sign * p, sign * r, share), abs=1e-6)


def _error(of_p: NDArray[Any], of_r: NDArray[Any]) -> float:
    return float(np.sqrt(of_p.var(ddof=1) / len(of_p) + of_r.var(ddof=1) / len(of_r)))


def _delong(p: NDArray[Any], r: NDArray[Any]) -> float:
    wins = (p[:, None] > r) + 0.5 * (p[:, None] == r)
    return _error(wins.mean(axis=1), wins.mean(axis=0))


def _precision_error(p: NDArray[Any], r: NDArray[Any], share: float) -> float:
    """By the difference that one more of P or R makes to the weighted average precision, taken to the limit."""

    def average_precision(weights_p: NDArray[Any], weights_r: NDArray[Any]) -> float:
        weights_p, weights_r = weights_p / weights_p.sum(), weights_r / weights_r.sum()
        as_high = share * (p >= p[:, None]) @ weights_p
        return float(weights_p @ (as_high / (as_high + (1 - share) * (r >= p[:, None]) @ weights_r)))

    influence = []
    for which, many in enumerate((len(p), len(r))):
        step = 1e-6
        changed = []
        for one in range(many):
            weights = [np.full(len(p), 1 / len(p)), np.full(len(r), 1 / len(r))]
            weights[which] = weights[which] * (1 - step)
            weights[which][one] += step
            changed.append(average_precision(*weights) / step)
        influence.append(np.array(changed))
    return _error(*influence)


def test_the_effect_is_pooled_at_the_rates_of_the_corpus() -> None:
    values, sample = _sample(np.random.default_rng(6), 120, [1, 50])
    figures = sampled_figures(values + np.float32(1000), sample, 1)  # a common level takes no digits away
    for (neuron, number), (p, r), _ in _cells(values, sample):
        totals = sample.categories[number].total_occurrences, sample.categories[number].total_rest
        spread = p.var(ddof=1) if len(p) > 1 else 0.0
        pooled = np.sqrt(((totals[0] - 1) * spread + (totals[1] - 1) * r.var(ddof=1)) / (sum(totals) - 2))
        assert figures["d"][neuron, number] == pytest.approx((p.mean() - r.mean()) / pooled, rel=1e-3)


def test_the_error_of_an_effect_is_that_of_hedges_and_olkin_for_normal_values_of_one_variance() -> None:
    rng = np.random.default_rng(7)
    p, r = 4000, 16000
    values = rng.standard_normal((8, p + r)).astype(np.float32)
    values[:, :p] += np.arange(8, dtype=np.float32)[:, None] / 4
    sample = SampledPositions(np.arange(p, p + r), (SampledCategory(np.arange(p), np.array([], int), p, r),))
    figures = sampled_figures(values, sample, 2)
    d = figures["d"].astype(np.float64)
    expected = np.sqrt(1 / p + 1 / r + d**2 / (2 * (p + r)))
    assert figures["d_se"] == pytest.approx(expected, rel=0.03)


def test_what_cannot_be_said_is_nan() -> None:
    rng = np.random.default_rng(8)
    values = rng.standard_normal((4, 20)).astype(np.float32)
    values[1, 3] = np.inf  # not sampled, so it does not matter
    values[2, 12] = np.nan
    values[3] = 1
    nothing, rest = np.array([], np.intp), np.arange(10, 20)
    sample = SampledPositions(
        rest,
        (
            SampledCategory(np.arange(3), rest[:2], 30, 900),
            SampledCategory(nothing, nothing, 0, 1000),
            SampledCategory(np.arange(3), rest, 30, 0),
            SampledCategory(np.arange(1), nothing, 1, 1000),
            SampledCategory(np.arange(3), rest[1:], 30, 10),
        ),
    )
    figures = sampled_figures(values, sample, 1)
    assert set(figures) == set(SAMPLED_FIGURES)
    for name, figure in figures.items():
        assert figure.shape == (4, 5)
        assert figure.dtype == np.float32
        assert np.isnan(figure[2]).all()
        assert np.isnan(figure[:, 1:3]).all()
        assert np.isfinite(figure[:2, 0]).all()
        assert np.isnan(figure[:2, 3:]).all() == name.endswith("_se")
    assert figures["auroc"][3, 0] == 0.5
    assert np.isnan(figures["d"][3]).all()  # nothing varies
    without = sampled_figures(values, SampledPositions(nothing, sample.categories), 1)
    assert all(np.isnan(figure).all() for figure in without.values())
    assert sampled_figures(values, SampledPositions(rest, ()), 1)["ap"].shape == (4, 0)


def test_layout_precision_blocks_and_threads_change_nothing() -> None:
    rng = np.random.default_rng(9)
    values, sample = _sample(rng, 2000, [5, 60, 80])
    values = np.concatenate([values + np.float32(0.1) * step for step in range(60)]).astype(np.float16)
    expected = sampled_figures(values.astype(np.float32), sample, 1)
    transposed = np.ascontiguousarray(values.T).T
    in_threads, backwards = sampled_figures(transposed, sample, 2), sampled_figures(values[::-1], sample, 3)
    for name in SAMPLED_FIGURES:
        assert np.array_equal(in_threads[name], expected[name])
        assert np.array_equal(backwards[name][::-1], expected[name])


@pytest.mark.parametrize("shift", [1.0, 3.0])
def test_standard_errors_are_the_spread_over_repeated_samples(shift: float) -> None:
    rng = np.random.default_rng(10)
    samples, p, r = 500, 150, 1500  # each neuron is one more sample of the same
    values = rng.standard_normal((samples, p + r)).astype(np.float32)
    values[:, :p] = values[:, :p] * 2 + np.float32(shift)  # a neuron varies more at words that it reads
    values *= 0.5 + 0.5 * np.tanh(values)  # skewed, as activations are
    category = SampledCategory(np.arange(p), np.array([], np.intp), p, 30 * p)
    figures = sampled_figures(values, SampledPositions(np.arange(p, p + r), (category,)), 2)
    for name in ("auroc", "d", "ap"):
        spread = figures[name].std()
        error = np.sqrt(np.square(figures[f"{name}_se"]).mean())
        assert error == pytest.approx(spread, rel=0.15), name
