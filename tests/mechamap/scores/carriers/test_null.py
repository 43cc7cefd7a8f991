"""p of the search over a whole model, against scikit-learn and against the permutations done one by one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom
from sklearn.metrics import average_precision_score, roc_auc_score

from mechamap.scores.carriers.null import ShuffledLabels
from mechamap.scores.carriers.word_ranks import DirectedLabels, ranked_words, word_ranks
from mechamap.scores.ranks import average_precision, sorted_bounds

WORDS, OCCURRENCES = 14, 3


def members_of(*counts: int, words: int = WORDS) -> np.ndarray:
    """``[words, categories]``: each category has the next so many words, the last one of them in the next one too."""
    members = np.zeros((words, len(counts)), bool)
    first = 0
    for category, count in enumerate(counts):
        members[first : first + count, category] = True
        first += count - 1
    return members


def values_like(kind: str, neurons: int = 11, words: int = WORDS, occurrences: int = OCCURRENCES, seed: int = 0):
    values = np.random.default_rng(seed).normal(size=(neurons, words * occurrences)).astype(np.float32)
    if kind == "relu":
        return np.maximum(values, 0)
    if kind == "coarse":
        return np.round(values * 2) / 2
    return values


def aurocs(values: np.ndarray, members: np.ndarray, occurrences: int) -> np.ndarray:
    labels = np.repeat(members, occurrences, axis=0)  # [words * occurrences, categories]
    return np.array([[roc_auc_score(its, row) for its in labels.T] for row in values])


def ranks_of(values: np.ndarray, occurrences: int = OCCURRENCES, threads: int = 1) -> np.ndarray:
    (ranks,) = word_ranks(values, occurrences, [np.arange(values.shape[1] // occurrences)], threads)
    return ranks


KINDS = ["normal", "relu", "coarse"]


@pytest.mark.parametrize("occurrences", [1, OCCURRENCES])
@pytest.mark.parametrize("kind", KINDS)
def test_what_is_found_is_the_auroc_of_scikit_learn_less_a_half(kind, occurrences):
    members = members_of(5, 4, 3)
    assert (members.sum(axis=1) == 2).any()  # a word of two categories
    values = values_like(kind, occurrences=occurrences)
    found = ShuffledLabels(members, occurrences, 20, 0).add(ranks_of(values, occurrences, threads=2))
    np.testing.assert_allclose(found, aurocs(values, members, occurrences) - 0.5, atol=1e-6)


def test_a_choice_of_words_is_ranked_by_itself():
    values = values_like("coarse")
    chosen = np.array([1, 4, 5, 11])
    everything, some = word_ranks(values, OCCURRENCES, [np.arange(WORDS), chosen])
    (alone,) = word_ranks(
        values.reshape(11, WORDS, OCCURRENCES)[:, chosen].reshape(11, -1), OCCURRENCES, [np.arange(4)]
    )
    np.testing.assert_array_equal(some, alone)
    np.testing.assert_allclose(everything.sum(axis=1), 0, atol=1e-3)  # ranks less their mean


@pytest.mark.parametrize("kind", KINDS)
def test_p_is_the_share_of_shuffles_whose_largest_value_reaches_as_far(kind):
    members, permutations, seed = members_of(5, 4, 3), 29, 3
    values = values_like(kind, neurons=6)
    values[2, : 5 * OCCURRENCES] += 2  # one that reads the first category
    null = ShuffledLabels(members, OCCURRENCES, permutations, seed)
    p = null.p(null.add(ranks_of(values)))

    inside = members.sum(axis=0)
    scatter = np.sqrt((WORDS + 1) / (12 * inside * (WORDS - inside)))  # of an AUROC over words, by chance
    rng = np.random.default_rng(seed)
    largest = []
    for _ in range(permutations):
        shuffled = members[rng.permutation(WORDS)]
        largest.append(np.max(np.abs(aurocs(values, shuffled, OCCURRENCES) - 0.5) / scatter))
    reached = np.abs(aurocs(values, members, OCCURRENCES) - 0.5) / scatter
    as_far = (np.array(largest) >= reached[..., None] - 1e-6).sum(axis=-1)
    np.testing.assert_allclose(p, (1 + as_far) / (1 + permutations), rtol=1e-6)
    np.testing.assert_allclose(null.maxima().largest, np.sort(largest), atol=1e-6)
    assert p[2, 0] == p.min()


def test_layers_one_by_one_are_as_good_as_all_at_once():
    members, values = members_of(5, 4, 3), values_like("relu", neurons=900)  # more than are multiplied at a time
    whole, parts = (ShuffledLabels(members, OCCURRENCES, 50, 1) for _ in range(2))
    found = whole.add(ranks_of(values))
    in_parts = np.concatenate(
        [parts.add(ranks_of(values[first:last])) for first, last in ((0, 1), (1, 400), (400, 900))]
    )
    np.testing.assert_array_equal(found, in_parts)
    np.testing.assert_array_equal(whole.p(found), parts.p(in_parts))


def test_p_is_never_smaller_than_the_number_of_shuffles_allows():
    members = members_of(7, words=30)
    values = np.tile(members[:, 0].astype(np.float32), (3, 1))  # as good as can be
    null = ShuffledLabels(members, 1, 99, 0)
    p = null.p(null.add(ranks_of(values, 1)))
    np.testing.assert_allclose(p, 1 / 100)
    none = ShuffledLabels(members, 1, 0, 0)
    assert (none.p(none.add(ranks_of(values, 1))) == 1).all()


def test_falling_counts_like_rising():
    members, values = members_of(5, 4), values_like("coarse")
    up, down = (ShuffledLabels(members, OCCURRENCES, 50, 2) for _ in range(2))
    rising, falling = up.add(ranks_of(values)), down.add(ranks_of(-values))
    np.testing.assert_allclose(rising, -falling, atol=1e-6)
    np.testing.assert_array_equal(up.p(rising), down.p(falling))


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([np.exp, np.arctan, lambda x: 3 * x + 7, lambda x: x**3]))
def test_a_rising_function_and_the_order_of_neurons_change_nothing(seed, rising):
    rng = np.random.default_rng(seed)
    # values far apart, so that rounding makes no new ties
    steps = np.linspace(-2, 2, WORDS * OCCURRENCES)[None] * np.ones((6, 1))
    values = rng.permuted(steps, axis=1)
    order = rng.permutation(6)
    members = members_of(5, 4)
    results = []
    for given_values in (values, rising(values), values[order]):
        null = ShuffledLabels(members, OCCURRENCES, 30, seed)
        found = null.add(ranks_of(given_values.astype(np.float32)))
        results.append((found, null.p(found)))
    (found, p), (same, same_p), (moved, moved_p) = results
    np.testing.assert_array_equal(found, same)
    np.testing.assert_array_equal(p, same_p)
    np.testing.assert_array_equal(found[order], moved)
    np.testing.assert_array_equal(p[order], moved_p)


def test_where_there_is_nothing_to_find_something_passes_in_one_model_of_twenty():
    members = np.zeros((30, 3), bool)
    members[:5, 0] = members[5:13, 1] = members[13:24, 2] = True  # of different sizes
    models, permutations, passed = 300, 99, 0
    for seed in range(models):
        null = ShuffledLabels(members, 2, permutations, seed)
        found = null.add(ranks_of(values_like("normal", neurons=25, words=30, occurrences=2, seed=seed + 10_000), 2))
        passed += bool((null.p(found) < 0.05).any())
    rate = 4 / 100  # p is a multiple of 1/100; four of them are below 0.05
    assert binom.ppf(0.001, models, rate) <= passed <= binom.ppf(0.999, models, rate)


@pytest.mark.parametrize("permutations", [19, 40, 99, 200])
def test_the_auroc_that_is_needed_tells_what_is_found_from_what_is_not(permutations):
    members, values = members_of(5, 4, 3), values_like("normal", neurons=200)
    values[:20, : 5 * OCCURRENCES] += np.linspace(0, 3, 20, dtype=np.float32)[:, None]
    values[20:30, 5 * OCCURRENCES : 7 * OCCURRENCES] -= 3
    null = ShuffledLabels(members, OCCURRENCES, permutations, 4)
    found = null.add(ranks_of(values))
    p = null.p(found)
    if permutations > 19:
        assert 0 < (p < 0.05).sum() < p.size
        np.testing.assert_array_equal(0.5 + np.abs(found) > null.auroc_at(0.05) + 1e-6, p < 0.05)
    else:
        assert np.isinf(null.auroc_at(0.05)).all()  # 1 in 20 is not below 0.05


def test_a_category_of_no_words_or_of_all_is_left_out():
    members = np.column_stack([members_of(5)[:, 0], np.zeros(WORDS, bool), np.ones(WORDS, bool)])
    values = values_like("normal")
    null, alone = ShuffledLabels(members, OCCURRENCES, 50, 0), ShuffledLabels(members[:, :1], OCCURRENCES, 50, 0)
    found = null.add(ranks_of(values))
    assert null.defined.tolist() == [True, False, False]
    assert np.isnan(found[:, 1:]).all()
    p = null.p(found)
    assert np.isnan(p[:, 1:]).all()
    np.testing.assert_array_equal(p[:, :1], alone.p(alone.add(ranks_of(values))))
    assert np.isinf(null.auroc_at(0.05)[1:]).all()
    nothing = ShuffledLabels(members[:, 1:], OCCURRENCES, 50, 0)
    assert np.isnan(nothing.p(nothing.add(ranks_of(values)))).all()
    assert np.isinf(nothing.auroc_at(0.05)).all()


# --- ranks --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_bounds_of_ranks_count_what_lies_below_and_above(kind):
    values = values_like(kind, neurons=4)
    order, first, last = sorted_bounds(values)
    np.testing.assert_array_equal(np.take_along_axis(values, order, axis=1), np.sort(values, axis=1))
    n = values.shape[1]
    for row in range(4):
        np.testing.assert_array_equal(first[row], [(values[row] < value).sum() for value in values[row]])
        np.testing.assert_array_equal(last[row], [n - 1 - (values[row] > value).sum() for value in values[row]])


@pytest.mark.parametrize("kind", KINDS)
def test_average_precision_is_that_of_scikit_learn(kind):
    values = values_like(kind, neurons=40)
    labels = np.repeat(members_of(5)[:, 0], OCCURRENCES)
    expected = [average_precision_score(labels, row) for row in values]
    np.testing.assert_allclose(average_precision(values, labels), expected, atol=1e-6)


@pytest.mark.parametrize(("threads", "some"), [(1, WORDS), (3, WORDS), (1, WORDS - 3)])
@pytest.mark.parametrize("kind", KINDS)
def test_precision_of_several_categories_is_that_of_scikit_learn_up_and_down(kind, threads, some):
    values = values_like(kind, neurons=40)
    before = values.copy()
    members = np.column_stack([members_of(5, 4, 3), np.zeros(WORDS, bool)])
    falls = np.random.default_rng(3).random((40, 4)) < 0.5
    directed = DirectedLabels(np.arange(some), members[:some], falls)
    precision = ranked_words(values, OCCURRENCES, [], threads, directed).precision
    assert precision is not None
    assert np.isnan(precision[:, -1]).all()  # of no words
    before_them = slice(0, some * OCCURRENCES)
    labels = np.repeat(members[:some], OCCURRENCES, axis=0)
    for category in range(3):
        signs = np.where(falls[:, category], -1, 1)
        expected = [
            average_precision_score(labels[:, category], sign * row[before_them])
            for sign, row in zip(signs, values, strict=True)
        ]
        np.testing.assert_allclose(precision[:, category], expected, atol=1e-6)
    np.testing.assert_array_equal(values, before)
