"""Scores against control words, against scikit-learn and a formula written out, and what features explain."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from mechamap.scores.carriers.controls import contrasted
from mechamap.scores.carriers.explained import FeatureShares, feature_auroc

WORDS, OCCURRENCES = 20, 3
MEMBERS, CONTROLS = np.array([0, 3, 4, 9, 11]), np.array([1, 2, 7, 15, 16, 17, 19])


def values_like(kind: str) -> np.ndarray:
    values = np.random.default_rng(0).normal(size=(8, WORDS, OCCURRENCES))
    values[:4, MEMBERS] += 1
    values = np.maximum(values, 0) if kind == "relu" else values
    return values.reshape(8, -1).astype(np.float32)


@pytest.mark.parametrize("kind", ["normal", "relu"])
def test_auroc_and_precision_are_those_of_scikit_learn_among_the_two_lists_alone(kind):
    values, falls = values_like(kind), np.arange(8) % 3 == 0
    scored = contrasted(values, OCCURRENCES, MEMBERS, CONTROLS, falls)
    labels = np.repeat([True] * len(MEMBERS) + [False] * len(CONTROLS), OCCURRENCES)
    for row in range(8):
        by_word = values[row].reshape(WORDS, OCCURRENCES)[[*MEMBERS, *CONTROLS]].ravel()
        signed = -by_word if falls[row] else by_word
        assert scored.auroc[row] == pytest.approx(roc_auc_score(labels, signed), abs=1e-6)
        assert scored.ap[row] == pytest.approx(average_precision_score(labels, signed), abs=1e-6)


def test_the_error_is_that_of_delong_with_words_as_units():
    values = values_like("relu")
    scored = contrasted(values, OCCURRENCES, MEMBERS, CONTROLS, np.zeros(8, bool))
    for row in range(8):
        words = values[row].reshape(WORDS, OCCURRENCES)
        inside, outside = words[MEMBERS], words[CONTROLS]
        wins = (inside[:, None, :, None] > outside[None, :, None]) + 0.5 * (
            inside[:, None, :, None] == outside[None, :, None]
        )
        pairs = wins.mean(axis=(2, 3))  # [members, controls]
        variance = pairs.mean(axis=1).var(ddof=1) / len(MEMBERS) + pairs.mean(axis=0).var(ddof=1) / len(CONTROLS)
        assert scored.error[row] == pytest.approx(np.sqrt(variance), abs=1e-6)


def test_a_single_word_on_either_side_has_no_error_of_its_own():
    scored = contrasted(values_like("normal"), OCCURRENCES, MEMBERS[:1], CONTROLS[:1], np.zeros(8, bool))
    np.testing.assert_array_equal(scored.error, 0)
    assert ((scored.auroc >= 0) & (scored.auroc <= 1)).all()


def test_a_feature_explains_the_neuron_that_reads_it_and_not_the_one_that_reads_the_category():
    rng = np.random.default_rng(3)
    members = (np.arange(60) < 15)[:, None]
    capital, length = np.repeat([1, 0], [30, 30]), rng.integers(0, 4, 60)
    ranks = rng.normal(size=(3, 60)).astype(np.float32)
    ranks[0] += 20 * capital
    ranks[1] += 20 * members[:, 0]
    shares = FeatureShares(members, [capital, length]).of(ranks)
    assert shares.shape == (2, 3, 1)
    assert shares[0, 0, 0] == pytest.approx(1, abs=0.1)
    assert abs(shares[0, 1, 0]) < 0.1
    assert abs(shares[1, :2]).max() < 0.5


def test_a_feature_that_no_other_word_shares_explains_nothing():
    members = (np.arange(12) < 4)[:, None]
    ranks = np.where(members[:, 0], 5, -3)[None].astype(np.float32)
    shares = FeatureShares(members, [members[:, 0].astype(np.intp)]).of(ranks)
    assert shares[0, 0, 0] == pytest.approx(0, abs=1e-6)
    assert np.isnan(FeatureShares(members, [np.zeros(12, np.intp)]).of(np.ones((1, 12), np.float32))).all()


def test_what_a_feature_reaches_alone():
    members = np.arange(40) < 10
    assert feature_auroc((np.arange(40) < 12).astype(np.intp), members) == pytest.approx(1 - 1 / 30)
    assert feature_auroc(np.zeros(40, np.intp), members) == 0.5
    assert feature_auroc(np.arange(40), members) == 0.5  # every word its own level: none speaks for itself
    assert np.isnan(feature_auroc(np.zeros(5, np.intp), np.ones(5, bool)))
