"""p among words that are alike, against shuffles done one by one and against a model that reads a feature alone."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom

from mechamap.scores.carriers.null import ShuffledLabels
from mechamap.scores.carriers.strata import StratifiedLabels, _within
from mechamap.scores.carriers.word_ranks import word_ranks

STRATA = np.repeat([0, 1, 2], [12, 9, 7])
WORDS = len(STRATA)


def members_of() -> np.ndarray:
    members = np.zeros((WORDS, 2), bool)
    members[[0, 1, 2, 3, 12, 13], 0] = True
    members[[4, 5, 14, 15, 16, 21], 1] = True
    return members


def ranks_of(values: np.ndarray) -> np.ndarray:
    (ranks,) = word_ranks(values.astype(np.float32), 1, [np.arange(values.shape[1])])
    return ranks


def standardised(ranks: np.ndarray, members: np.ndarray) -> np.ndarray:
    """The rank sum less its mean over draws without replacement, in their standard deviations, one by one."""
    result = np.zeros((len(ranks), members.shape[1]))
    for row, of_row in enumerate(ranks):
        for category in range(members.shape[1]):
            mean = variance = 0.0
            for stratum in np.unique(STRATA):
                here, n = of_row[stratum == STRATA], int((stratum == STRATA).sum())
                m = int(members[stratum == STRATA, category].sum())
                mean += m * here.mean()
                variance += m * (n - m) / (n - 1) * here.var()
            result[row, category] = (of_row[members[:, category]].sum() - mean) / np.sqrt(variance)
    return result


def test_p_is_the_share_of_shuffles_within_strata_whose_largest_value_reaches_as_far():
    members, permutations, seed = members_of(), 29, 3
    values = np.random.default_rng(0).normal(size=(6, WORDS))
    values[2][members[:, 0]] += 2
    ranks = ranks_of(values)
    null = StratifiedLabels(members, STRATA, permutations, seed)
    reached = null.add(ranks)
    np.testing.assert_allclose(reached, standardised(ranks, members), rtol=1e-3, atol=1e-6)
    rng = np.random.default_rng(seed)
    shuffles = [members[_within(STRATA, rng)] for _ in range(permutations)]
    for shuffled in shuffles:
        for stratum in np.unique(STRATA):
            here = stratum == STRATA
            assert sorted(shuffled[here].tolist()) == sorted(members[here].tolist())
    largest = np.array([np.abs(standardised(ranks, shuffled)).max() for shuffled in shuffles])
    as_far = (largest >= np.abs(reached)[..., None] * (1 - 1e-4)).sum(axis=-1)
    np.testing.assert_allclose(null.p(reached), (1 + as_far) / (1 + permutations), rtol=1e-6)


def test_a_neuron_that_reads_a_feature_alone_is_found_among_all_words_and_not_among_like_ones():
    rng = np.random.default_rng(1)
    capital = np.repeat([1, 0], [30, 30])
    members = (np.arange(60) < 15)[:, None]  # capitalised words, as are as many that are no members
    values = rng.normal(size=(400, 60))
    values[7] += 3 * capital
    values[9] += 3 * members[:, 0]
    plain, alike = ShuffledLabels(members, 1, 200, 0), StratifiedLabels(members, capital, 200, 0)
    ranks = ranks_of(values)
    p, p_alike = plain.p(plain.add(ranks)), alike.p(alike.add(ranks))
    assert p[7, 0] < 0.05 < p_alike[7, 0]
    assert p[9, 0] < 0.05 and p_alike[9, 0] < 0.05


@pytest.mark.parametrize("kind", ["normal", "sparse"])
def test_where_there_is_nothing_to_find_something_passes_in_one_model_of_twenty(kind):
    models, permutations, passed = 300, 99, 0
    for seed in range(models):
        values = np.random.default_rng(seed + 5000).normal(size=(25, WORDS)) + STRATA  # all neurons read the strata
        values = np.maximum(values - 3, 0) if kind == "sparse" else values
        null = StratifiedLabels(members_of(), STRATA, permutations, seed)
        passed += bool((null.p(null.add(ranks_of(values))) < 0.05).any())
    assert binom.ppf(0.001, models, 0.04) <= passed <= binom.ppf(0.999, models, 0.04)


def test_a_neuron_that_never_changes_and_a_category_without_like_words_say_nothing():
    members = members_of()
    members[:, 1] = STRATA == 2  # a whole stratum, and nothing else
    null = StratifiedLabels(members, STRATA, 50, 0)
    reached = null.add(ranks_of(np.ones((3, WORDS))))
    assert null.defined.tolist() == [True, False]
    np.testing.assert_array_equal(reached[:, 0], 0)
    assert np.isnan(reached[:, 1]).all()
    p = null.p(reached)
    np.testing.assert_array_equal(p[:, 0], 1)
    assert np.isnan(p[:, 1]).all()


def test_layers_one_by_one_are_as_good_as_all_at_once():
    ranks = ranks_of(np.random.default_rng(2).normal(size=(900, WORDS)))
    whole, parts = (StratifiedLabels(members_of(), STRATA, 50, 1) for _ in range(2))
    reached = whole.add(ranks)
    in_parts = np.concatenate([parts.add(ranks[first:last]) for first, last in ((0, 1), (1, 400), (400, 900))])
    np.testing.assert_allclose(reached, in_parts, rtol=1e-5)
    np.testing.assert_allclose(whole.p(reached), parts.p(in_parts), rtol=1e-4)
