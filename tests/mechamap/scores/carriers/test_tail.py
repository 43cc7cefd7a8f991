"""p below what permutations can count: the fitted tail against scipy, and its calibration."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom, genpareto, norm

from mechamap.scores.carriers.null import ShuffledLabels
from mechamap.scores.carriers.tail import fitted_tail
from mechamap.scores.carriers.word_ranks import word_ranks

PERMUTATIONS = 200


def largest_of_normals(rng: np.random.Generator, number: int) -> np.ndarray:
    """Each the largest of 5,000 standard normal values, as a search over neurons has it."""
    return norm.isf(1 - rng.random(number) ** (1 / 5000))


DRAWS = {"gumbel": lambda rng, number: rng.gumbel(size=number), "largest of normals": largest_of_normals}


@pytest.mark.parametrize("shape", [0.0, 0.2, 0.4])
def test_shape_and_scale_of_a_large_sample_are_recovered(shape):
    drawn = np.sort(genpareto.rvs(shape, scale=2.0, size=40_000, random_state=0))
    tail = fitted_tail(drawn)
    assert tail.exceedances == 10_000
    # Beyond a threshold u a generalised Pareto distribution is one again, with the scale 2 + shape * u.
    assert tail.shape == pytest.approx(shape, abs=0.05)
    assert tail.scale == pytest.approx(2 + shape * tail.threshold, rel=0.07)
    assert tail.fits


def test_the_extrapolated_p_is_scipys_survival_beyond_the_threshold():
    values = np.sort(np.random.default_rng(3).gumbel(size=PERMUTATIONS))
    tail = fitted_tail(values)
    far = values[-1] + np.array([0.0, 1.0, 3.0])
    share = (1 + 50) / (1 + PERMUTATIONS)
    survival = genpareto.sf(far - tail.threshold, tail.shape, scale=tail.scale)
    np.testing.assert_allclose(tail.p(far), share * survival, rtol=1e-6)
    assert tail.exceedances == (values > tail.threshold).sum() == 50


def test_a_tail_that_seems_to_end_is_taken_for_exponential():
    values = np.sort(np.random.default_rng(0).random(PERMUTATIONS))  # it ends at 1
    tail = fitted_tail(values)
    assert tail.shape == 0
    assert tail.scale == pytest.approx((values[-50:] - tail.threshold).mean())
    assert 0 < tail.p(np.array([2.0]))[0] < tail.p(np.array([1.5]))[0]


def test_two_heaps_fit_no_tail():
    rng = np.random.default_rng(0)
    tail = fitted_tail(np.sort(np.concatenate([rng.normal(0, 0.01, 190), rng.normal(5, 0.01, 10)])))
    assert not tail.fits


@pytest.mark.parametrize("values", [np.arange(99.0), np.ones(PERMUTATIONS)], ids=["few", "all the same"])
def test_there_is_no_tail_of_too_few_values_or_of_one(values):
    assert fitted_tail(values) is None


@pytest.mark.parametrize("draw", DRAWS.values(), ids=DRAWS)
def test_p_is_calibrated_at_a_twentieth_and_at_a_thousandth(draw):
    rng, searches = np.random.default_rng(1), 4_000
    p = np.empty(searches)
    for number in range(searches):
        observed, *shuffled = draw(rng, 1 + PERMUTATIONS)
        values = np.sort(shuffled)
        as_far = int((values >= observed).sum())
        p[number] = (1 + as_far) / (1 + PERMUTATIONS)
        tail = fitted_tail(values)
        if tail.fits and as_far < tail.counted:
            p[number] = tail.p(np.array([observed]))[0]
    for level in (0.05, 0.001):
        low, high = binom.interval(0.999, searches, level)
        assert low <= (p < level).sum() <= high, level


def planted(permutations: int) -> tuple[np.ndarray, np.ndarray]:
    """p of three neurons that read a category ever better, and of 300 of noise; and the counted p."""
    rng = np.random.default_rng(0)
    members = np.zeros((60, 1), bool)
    members[:20] = True
    values = rng.normal(size=(303, 60)).astype(np.float32)
    for neuron, gain in enumerate((2.5, 3.5, 5)):
        values[neuron, :20] += gain
    null = ShuffledLabels(members, 1, permutations, 0)
    (ranks,) = word_ranks(values, 1, [np.arange(60)])
    aurocs = null.add(ranks)
    reached = np.abs(aurocs) / np.sqrt(61 / (12 * 20 * 40))
    counted = (1 + (null.maxima().largest[:, None] >= reached.T * (1 - 1e-6)).sum(axis=0)) / (1 + permutations)
    return null.p(aurocs)[:, 0], counted


def test_findings_at_the_floor_of_counting_are_told_apart_and_no_decision_changes():
    p, counted = planted(PERMUTATIONS)
    assert counted[:3] == pytest.approx(1 / 201)
    assert p[2] < p[1] < p[0] < 1 / 201
    np.testing.assert_array_equal(p < 0.05, counted < 0.05)
    np.testing.assert_allclose(p[counted >= 10 / 201], counted[counted >= 10 / 201], rtol=1e-6)


def test_few_permutations_are_counted():
    p, counted = planted(40)
    np.testing.assert_allclose(p, counted, rtol=1e-6)
