"""Every figure of a layer, against scikit-learn, scipy and the plain definitions."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn.metrics import average_precision_score, roc_auc_score

from mechamap.models.neurons.activations import Activations
from mechamap.scores.layer import dead, layer_scorer
from mechamap.scores.positions import CategoryPositions, ScorePlan
from mechamap.scores.ranked import RankedScores
from mechamap.scores.ranked_torch import TorchScores

SPANS = (((3,), (10,), (11, 12), (40, 41, 42)), ((0,), (59,), (20, 21)), ((30,),))
SCORED = 60


def plan_of(spans=SPANS, scored=SCORED, pooling="last", top_k=5) -> ScorePlan:
    categories = []
    for category in spans:
        last = np.array([span[-1] for span in category], dtype=np.intp)
        extra = np.array(sorted({p for span in category for p in span} - set(last.tolist())), dtype=np.intp)
        arrays = tuple(np.array(span, dtype=np.intp) for span in category)
        categories.append(CategoryPositions(last, arrays, extra, scored))
    return ScorePlan(np.arange(100, 100 + scored, dtype=np.int32), tuple(categories), pooling, top_k)


def activations_like(kind: str, neurons: int = 37, seed: int = 0) -> np.ndarray:
    values = np.random.default_rng(seed).normal(size=(SCORED, neurons)).astype(np.float32)
    if kind == "relu":  # most positions tie at exactly zero
        return np.maximum(values - 0.5, 0)
    if kind == "negative zeros":
        return np.where(values > 0.3, values, np.where(values > -0.3, np.float32(0.0), np.float32(-0.0)))
    if kind == "coarse":  # as in bfloat16: many ties everywhere
        return np.round(values * 4) / 4
    if kind == "huge sink":
        values[7] = 2824
    return values


def pooled(values: np.ndarray, spans, pooling: str) -> np.ndarray:
    reduce = {"last": lambda span: values[span[-1]], "mean": lambda span: values[list(span)].mean(axis=0)}
    reduce["max"] = lambda span: values[list(span)].max(axis=0)
    return np.stack([reduce[pooling](span) for span in spans])


def ranked(plan: ScorePlan, threads: int, values: np.ndarray) -> dict[str, np.ndarray]:
    """The scores of ``[S, neurons]`` by numpy."""
    return RankedScores(plan, threads).score(values.T)


KINDS = ["normal", "relu", "negative zeros", "coarse", "huge sink"]
SCORERS = [
    pytest.param(lambda plan, values: ranked(plan, 2, values), id="numpy"),
    pytest.param(lambda plan, values: TorchScores(plan).score(torch.from_numpy(values)), id="torch"),
]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("score", SCORERS)
def test_auroc_is_that_of_scikit_learn(score, kind):
    values = activations_like(kind)
    figures = score(plan_of(), values)
    for c, spans in enumerate(SPANS):
        inside = {p for span in spans for p in span}
        rest = [p for p in range(SCORED) if p not in inside]
        ends = pooled(values, spans, "last")
        labels = [1] * len(spans) + [0] * len(rest)
        for n in range(values.shape[1]):
            expected = roc_auc_score(labels, np.concatenate([ends[:, n], values[rest, n]]))
            assert figures["auroc"][n, c] == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("score", SCORERS)
def test_average_precision_is_that_of_scikit_learn_in_the_direction_of_the_selectivity(score, kind):
    values = activations_like(kind)
    figures = score(plan_of(), values)
    directions = set()
    for c, spans in enumerate(SPANS):
        inside = {p for span in spans for p in span}
        rest = [p for p in range(SCORED) if p not in inside]
        ends = pooled(values, spans, "last")
        labels = [1] * len(spans) + [0] * len(rest)
        for n in range(values.shape[1]):
            sign = -1 if figures["auroc"][n, c] < 0.5 else 1
            directions.add(sign)
            expected = average_precision_score(labels, sign * np.concatenate([ends[:, n], values[rest, n]]))
            assert figures["ap"][n, c] == pytest.approx(expected, abs=1e-6)
    assert directions == {-1, 1}


@pytest.mark.parametrize("pooling", ["mean", "max"])
def test_pooled_occurrences_are_ranked_like_any_value(pooling):
    values = activations_like("normal")
    figures = layer_scorer(plan_of(pooling=pooling), 1)([Activations(torch.from_numpy(values))]).figures
    for c, spans in enumerate(SPANS):
        ends = pooled(values, spans, pooling)
        inside = {p for span in spans for p in span}
        rest = values[[p for p in range(SCORED) if p not in inside]]
        wins = stats.mannwhitneyu(ends, rest, axis=0).statistic
        np.testing.assert_allclose(figures["auroc"][:, c], wins / (len(ends) * len(rest)), atol=1e-6)
        np.testing.assert_allclose(figures["mean"][:, c], ends.mean(axis=0), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("score", SCORERS)
def test_means_and_d_follow_their_definitions(score, kind):
    values = activations_like(kind).astype(np.float32)
    wide = values.astype(np.float64)
    figures = score(plan_of(), values)
    for c, spans in enumerate(SPANS):
        inside = {p for span in spans for p in span}
        ends, rest = pooled(wide, spans, "last"), wide[[p for p in range(SCORED) if p not in inside]]
        p, r = len(ends), len(rest)
        spread = ((ends - ends.mean(0)) ** 2).sum(0) + ((rest - rest.mean(0)) ** 2).sum(0)
        np.testing.assert_allclose(figures["mean"][:, c], ends.mean(0), rtol=1e-5, atol=1e-6)
        expected = (ends.mean(0) - rest.mean(0)) / np.sqrt(spread / (p + r - 2))
        np.testing.assert_allclose(figures["d"][:, c], expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("score", SCORERS)
def test_statistics_and_extreme_tokens_of_each_neuron(score, kind):
    values = activations_like(kind)
    figures = score(plan_of(), values)
    np.testing.assert_array_equal(figures["max"], values.max(0))
    np.testing.assert_array_equal(figures["min"], values.min(0))
    np.testing.assert_allclose(figures["mean_all"], values.mean(0), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(figures["std_all"], values.std(0), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(figures["fire"], (values > 0).mean(0), rtol=1e-6)
    np.testing.assert_array_equal(figures["top_values"], -np.sort(-values, axis=0)[:5].T)
    np.testing.assert_array_equal(figures["bottom_values"], np.sort(values, axis=0)[:5].T)
    for side in ("top", "bottom"):
        at = figures[f"{side}_positions"] - 100
        np.testing.assert_array_equal(np.take_along_axis(values.T, at, axis=1), figures[f"{side}_values"])
        assert all(len(set(row)) == 5 for row in at.tolist())


def test_both_ways_of_scoring_agree_on_every_figure():
    values = activations_like("coarse", neurons=501, seed=3)
    ours, theirs = ranked(plan_of(), 1, values), TorchScores(plan_of()).score(torch.from_numpy(values))
    assert ours.keys() == theirs.keys()
    for name in ours:
        if not name.endswith("positions"):  # which of several equal values comes first is not defined
            np.testing.assert_allclose(ours[name], theirs[name], rtol=1e-5, atol=1e-6, err_msg=name)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([np.exp, np.arctan, lambda x: 3 * x + 7, lambda x: x**3]))
def test_auroc_does_not_change_under_a_rising_function(seed, rising):
    # float64 in between and values far apart, so that rounding makes no new ties
    values = np.random.default_rng(seed).permuted(np.linspace(-2, 2, SCORED)[:, None] * np.ones(4), axis=0)
    before = ranked(plan_of(), 1, values.astype(np.float32))
    after = ranked(plan_of(), 1, rising(values).astype(np.float32))
    for name in ("auroc", "ap"):
        np.testing.assert_array_equal(before[name], after[name])


def test_auroc_of_the_negated_neuron_is_one_minus_it():
    values = activations_like("coarse")
    up, down = ranked(plan_of(), 1, values), ranked(plan_of(), 1, -values)
    np.testing.assert_allclose(up["auroc"] + down["auroc"], 1, atol=1e-6)
    decided = up["auroc"] != 0.5
    np.testing.assert_allclose(up["ap"][decided], down["ap"][decided], atol=1e-6)


def test_the_order_of_positions_and_the_size_of_blocks_change_nothing(monkeypatch):
    values = activations_like("normal", neurons=300)
    whole = ranked(plan_of(), 1, values)
    monkeypatch.setattr("mechamap.scores.blocks.BLOCK_ELEMENTS", 1)
    for name, figure in ranked(plan_of(), 2, values).items():
        np.testing.assert_array_equal(figure, whole[name], err_msg=name)
    order = np.random.default_rng(1).permutation(SCORED)
    new_place = np.argsort(order)
    moved = tuple(tuple(tuple(int(new_place[p]) for p in span) for span in category) for category in SPANS)
    shuffled = ranked(plan_of(moved), 1, values[order])
    for name in ("auroc", "ap", "mean", "d"):
        np.testing.assert_allclose(shuffled[name], whole[name], rtol=1e-5, atol=1e-6)


def test_categories_without_occurrences_and_short_texts_are_not_computed():
    figures = ranked(plan_of(spans=((), ((1,),)), scored=4, top_k=9), 1, activations_like("normal")[:4])
    assert np.isnan(figures["auroc"][:, 0]).all()
    assert np.isfinite(figures["auroc"][:, 1]).all()
    assert np.isnan(figures["top_values"][:, 4:]).all()
    assert (figures["top_positions"][:, 4:] == -1).all()
    assert (figures["top_positions"][:, :4] >= 100).all()


def test_a_neuron_that_is_not_finite_is_left_out_and_flagged():
    values = torch.from_numpy(activations_like("normal"))
    values[5, 2], values[9, 4] = torch.nan, -torch.inf
    scores = layer_scorer(plan_of(), 1)([Activations(values)])
    assert scores.not_finite == 2
    assert scores.flags == ("not finite",)
    for name, figure in scores.figures.items():
        blank = figure == -1 if figure.dtype.kind == "i" else np.isnan(figure)
        assert blank[[2, 4]].all(), name
        assert not blank[[0, 1, 3]].any(), name


def test_selectivity_is_the_signed_auroc():
    figures = layer_scorer(plan_of(), 1)([Activations(torch.from_numpy(activations_like("relu")))]).figures
    np.testing.assert_allclose(figures["selectivity"], 2 * figures["auroc"] - 1)


def test_a_neuron_that_never_leaves_zero_is_dead():
    values = torch.from_numpy(activations_like("normal"))
    values[:, 3] = 0
    values[:, 8] = 1e-5
    figures = layer_scorer(plan_of(), 1)([Activations(values)]).figures
    assert np.flatnonzero(figures["dead"]).tolist() == [3, 8]
    assert np.isnan(dead({**figures, "max": np.full(37, np.nan), "min": np.full(37, np.nan)})).all()


def test_half_precision_activations_are_scored_in_float32():
    values = torch.from_numpy(activations_like("coarse"))
    exact = layer_scorer(plan_of(), 1)([Activations(values)]).figures
    for dtype in (torch.bfloat16, torch.float16):
        figures = layer_scorer(plan_of(), 1)([Activations(values.to(dtype))]).figures
        np.testing.assert_array_equal(figures["auroc"], exact["auroc"])
