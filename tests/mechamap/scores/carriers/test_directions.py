"""Directions of the residual stream on words that did not choose them, against plain computations."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from mechamap.scores.carriers.directions import HeldOutDirections
from mechamap.scores.carriers.held_out import halves_of_words

WORDS, OCCURRENCES, WIDTH, SPLITS = 40, 3, 24, 3
MEMBERS = np.zeros((WORDS, 2), bool)
MEMBERS[:10, 0] = MEMBERS[8:20, 1] = True  # two words are in both


def stream(strength: float, seed: int) -> np.ndarray:
    """``[words * occurrences, width]``: noise of each word and each place, with a direction for each category."""
    rng = np.random.default_rng(seed)
    directions = rng.normal(size=(2, WIDTH)) / np.sqrt(WIDTH)
    words = rng.normal(size=(WORDS, WIDTH)) + strength * MEMBERS @ directions + 50 * rng.normal(size=WIDTH)
    return (words[:, None] + 0.3 * rng.normal(size=(WORDS, OCCURRENCES, WIDTH))).reshape(-1, WIDTH).astype(np.float32)


def rows_of(words: np.ndarray) -> np.ndarray:
    return (words[:, None] * OCCURRENCES + np.arange(OCCURRENCES)).ravel()


def along(values: np.ndarray, words: np.ndarray, category: int) -> np.ndarray:
    """The difference of means over all occurrences of some words."""
    inside = words[MEMBERS[words, category]]
    outside = words[~MEMBERS[words, category]]
    return values[rows_of(inside)].mean(axis=0) - values[rows_of(outside)].mean(axis=0)


def by_hand(values: np.ndarray, choosing: np.ndarray, testing: np.ndarray, category: int) -> tuple[float, float, float]:
    """What the choosing half says of a layer, and AUROC and average precision on the testing half."""
    centre = values[rows_of(choosing)].mean(axis=0)
    left_out = np.concatenate(
        [
            (values[rows_of(np.array([word]))] - centre) @ along(values, choosing[choosing != word], category)
            for word in choosing
        ]
    )
    strength = roc_auc_score(np.repeat(MEMBERS[choosing, category], OCCURRENCES), left_out) - 0.5
    tested = values[rows_of(testing)] @ along(values, choosing, category)
    labels = np.repeat(MEMBERS[testing, category], OCCURRENCES)
    return strength, roc_auc_score(labels, tested), average_precision_score(labels, tested)


@pytest.mark.parametrize("category", [0, 1])
def test_each_half_chooses_a_layer_by_words_left_out_and_the_other_half_tests_it(category: int) -> None:
    layers = {0: stream(0, 0), 3: stream(6, 1), 4: stream(2, 2)}
    scores = HeldOutDirections(MEMBERS, OCCURRENCES, SPLITS, 7)
    for layer, values in layers.items():
        scores.add(values, layer)
    halves = halves_of_words(MEMBERS, SPLITS, 7)
    assert len(scores.choices(category)) == len(halves) == 2 * SPLITS
    for number, choice in enumerate(scores.choices(category)):
        plain = {
            layer: by_hand(values.astype(np.float64), halves[number], halves[number ^ 1], category)
            for layer, values in layers.items()
        }
        best = max(plain, key=lambda layer: plain[layer][0])
        assert choice.layer == best
        got = (choice.strength, choice.auroc, choice.ap)
        np.testing.assert_allclose(got, plain[best], atol=2e-3)  # float32 may turn a pair around
    assert [choice.layer for choice in scores.choices(category)].count(3) >= 2 * SPLITS - 1


def test_a_direction_reads_what_is_there_and_a_random_one_little_of_it() -> None:
    scores = HeldOutDirections(MEMBERS, OCCURRENCES, 4, 0)
    scores.add(stream(8, 3), 0)
    for category in (0, 1):
        chosen, random = scores.choices(category), scores.random_choices(category)
        assert min(choice.auroc for choice in chosen) > 0.95
        assert len(random) == 8
        assert np.mean([choice.auroc for choice in random]) < 0.85


def test_of_words_that_have_nothing_in_common_neither_reads_anything() -> None:
    chosen, random = [], []
    for seed in range(20):
        scores = HeldOutDirections(MEMBERS, OCCURRENCES, 2, seed)
        for layer in range(4):
            scores.add(stream(0, 100 * seed + layer), layer)
        chosen += [choice.auroc for choice in scores.choices(0)]
        random += [choice.auroc for choice in scores.random_choices(0)]
    assert 0.45 < np.mean(chosen) < 0.55
    assert 0.45 < np.mean(random) < 0.55


def test_the_sign_of_a_random_direction_is_chosen_with_it() -> None:
    values = np.zeros((WORDS, OCCURRENCES, WIDTH), np.float32)
    values[:10] = 1  # all that varies, so that every direction reads the category, half of them by falling
    scores = HeldOutDirections(MEMBERS, OCCURRENCES, 4, 0)
    scores.add(values.reshape(-1, WIDTH), 0)
    assert [choice.auroc for choice in scores.random_choices(0)] == [1.0] * 8


def test_a_half_with_one_word_of_a_category_chooses_nothing() -> None:
    few = np.zeros((10, 1), bool)
    few[:2] = True
    scores = HeldOutDirections(few, OCCURRENCES, 1, 0)
    scores.add(np.random.default_rng(0).normal(size=(10 * OCCURRENCES, 5)).astype(np.float32), 0)
    assert scores.choices(0) == []
    assert len(scores.random_choices(0)) == 2
