"""AUROC and average precision of a few values against many: as scikit-learn has them, ties included."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from mechamap.scores.against_rest import scores_against


@pytest.mark.parametrize("tied", [False, True])
def test_both_are_those_of_scikit_learn(tied: bool) -> None:
    rng = np.random.default_rng(0)
    inside = (rng.normal(size=(12, 7)) + 0.7).astype(np.float32)
    rest = rng.normal(size=(12, 90)).astype(np.float32)
    if tied:
        inside, rest = np.round(inside), np.round(rest)
    auroc, precision = scores_against(inside, np.sort(rest, axis=1))
    labels = np.repeat([1, 0], [7, 90])
    for row in range(12):
        values = np.concatenate([inside[row], rest[row]])
        assert auroc[row] == pytest.approx(roc_auc_score(labels, values))
        assert precision[row] == pytest.approx(average_precision_score(labels, values))


def test_a_neuron_that_is_always_the_same_knows_nothing() -> None:
    auroc, precision = scores_against(np.zeros((1, 2), np.float32), np.zeros((1, 8), np.float32))
    assert auroc.tolist() == [0.5]
    assert precision.tolist() == [pytest.approx(0.2)]
