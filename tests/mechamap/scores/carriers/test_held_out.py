"""Figures on words that did not choose the neuron, against the halves worked through by hand."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from mechamap.scores.carriers.held_out import HeldOut
from mechamap.scores.carriers.word_ranks import word_ranks

WORDS, OCCURRENCES, SPLITS, NEURONS = 25, 2, 3, 30
SIZES = (8, 5, 4)  # words of each category; the rest is in none


def members_of(*sizes: int) -> np.ndarray:
    members = np.zeros((WORDS, len(sizes)), bool)
    ends = np.cumsum(sizes)
    for category, (size, end) in enumerate(zip(sizes, ends, strict=True)):
        members[end - size : end, category] = True
    return members


MEMBERS = members_of(*SIZES)


def values_like(kind: str, seed: int = 0) -> np.ndarray:
    """``[neurons, words * occurrences]``; some neurons read a category, up or down."""
    values = np.random.default_rng(seed).normal(size=(NEURONS, WORDS, OCCURRENCES))
    values[3][MEMBERS[:, 0]] += 2
    values[11][MEMBERS[:, 1]] -= 4
    values[12][MEMBERS[:, 1]] += 3
    values[25][MEMBERS[:, 2]] -= 3
    values[7] += 9  # always on: the largest mean of all
    if kind == "relu":
        values = np.maximum(values, 0)
    return values.reshape(NEURONS, -1).astype(np.float32)


def add(held_out: HeldOut, values: np.ndarray, first_row: int) -> tuple[np.ndarray, np.ndarray]:
    return held_out.add(values, word_ranks(values, OCCURRENCES, held_out.halves, threads=2), first_row)


def halves_of(held_out: HeldOut) -> list[np.ndarray]:
    return [half.words for half in held_out._halves]


def turns_of(held_out: HeldOut) -> list[tuple[np.ndarray, np.ndarray]]:
    """Choosing and testing words of each turn."""
    halves = halves_of(held_out)
    pairs = list(zip(halves[::2], halves[1::2], strict=True))
    return [turn for one, other in pairs for turn in ((one, other), (other, one))]


def samples(row: np.ndarray, words: np.ndarray, category: int) -> tuple[np.ndarray, np.ndarray]:
    labels = np.repeat(MEMBERS[words, category], OCCURRENCES)
    return labels, row.reshape(WORDS, OCCURRENCES)[words].ravel()


def auroc(row: np.ndarray, words: np.ndarray, category: int) -> float:
    return float(roc_auc_score(*samples(row, words, category)))


def precision(row: np.ndarray, words: np.ndarray, category: int, sign: int) -> float:
    labels, values = samples(row, words, category)
    return float(average_precision_score(labels, sign * values))


# --- the halves ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(5))
def test_halves_are_disjoint_and_have_all_words_and_half_of_every_category(seed):
    overlapping = MEMBERS.copy()
    overlapping[:3, 2] = True  # words of two categories
    halves = halves_of(HeldOut(overlapping, OCCURRENCES, SPLITS, seed))
    assert len(halves) == 2 * SPLITS
    for one, other in zip(halves[::2], halves[1::2], strict=True):
        assert sorted([*one, *other]) == list(range(WORDS))
        for kind in np.unique(overlapping, axis=0):
            same = (overlapping == kind).all(axis=1)
            assert abs(int(same[one].sum()) - int(same[other].sum())) == same.sum() % 2


def test_every_split_is_another_and_the_seed_says_which():
    first, again, other = (halves_of(HeldOut(MEMBERS, OCCURRENCES, SPLITS, seed)) for seed in (1, 1, 2))
    assert all(np.array_equal(one, two) for one, two in zip(first, again, strict=True))
    assert len({tuple(half) for half in [*first, *other]}) == 4 * SPLITS


# --- the figures --------------------------------------------------------------------------------------------


STRONG = 0.25  # low enough for some of these few neurons to have an average precision, and not for all


@pytest.mark.parametrize("kind", ["normal", "relu"])
def test_every_neuron_is_scored_on_the_words_that_did_not_choose_its_sign(kind, monkeypatch):
    monkeypatch.setattr("mechamap.scores.carriers.held_out.STRONG", STRONG)
    values = values_like(kind)
    held_out = HeldOut(MEMBERS, OCCURRENCES, SPLITS, 0)
    found, precisions = add(held_out, values, 0)
    strong_somewhere = 0
    for category in range(len(SIZES)):
        for neuron, row in enumerate(values):
            tested, precise, strong = [], [], True
            for choosing, testing in turns_of(held_out):
                chosen = auroc(row, choosing, category)
                sign = -1 if chosen < 0.5 - 1e-9 else 1
                tested.append(0.5 + sign * (auroc(row, testing, category) - 0.5))
                precise.append(precision(row, testing, category, sign))
                strong &= abs(chosen - 0.5) >= STRONG - 1e-9
            assert found[neuron, category] == pytest.approx(np.mean(tested), abs=1e-6)
            if strong:
                assert precisions[neuron, category] == pytest.approx(np.mean(precise), abs=1e-6)
            else:
                assert np.isnan(precisions[neuron, category])
            strong_somewhere += strong
    assert 2 <= strong_somewhere < len(SIZES) * NEURONS
    if kind == "normal":
        assert found[11, 1] > 0.95  # it falls, and on the other words as well


def test_by_chance_the_held_out_auroc_is_a_half_whatever_the_choice():
    rng = np.random.default_rng(5)
    held_out = HeldOut(MEMBERS, OCCURRENCES, SPLITS, 0)
    add(held_out, rng.normal(size=(4000, WORDS * OCCURRENCES)).astype(np.float32), 0)
    for category in range(len(SIZES)):
        choices = held_out.choices(category)
        assert min(choice.strength for choice in choices) > 0.4  # the best of 4,000 looks like a finding
        assert max(choice.auroc for choice in choices) < 0.95
        assert np.mean([choice.auroc for choice in choices]) < 0.75


# --- the choices --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("parts", [[NEURONS], [1, 11, 12, NEURONS - 24]])
@pytest.mark.parametrize("kind", ["normal", "relu"])
def test_each_half_chooses_the_neuron_furthest_from_chance_over_all_layers(kind, parts):
    values = values_like(kind)
    held_out = HeldOut(MEMBERS, OCCURRENCES, SPLITS, 0)
    first = 0
    for part in parts:
        add(held_out, values[first : first + part], 100 + first)
        first += part
    assert first == NEURONS
    for category in range(len(SIZES)):
        choices = held_out.choices(category)
        assert len(choices) == 2 * SPLITS
        for choice, (choosing, testing) in zip(choices, turns_of(held_out), strict=True):
            on_choosing = [auroc(row, choosing, category) - 0.5 for row in values]
            assert choice.strength == pytest.approx(np.abs(on_choosing).max(), abs=1e-6)
            row = choice.row - 100
            assert abs(on_choosing[row]) == pytest.approx(choice.strength, abs=1e-6)
            assert choice.sign == np.sign(on_choosing[row])
            assert choice.auroc == pytest.approx(0.5 + choice.sign * (auroc(values[row], testing, category) - 0.5))
            assert choice.ap == pytest.approx(precision(values[row], testing, category, choice.sign), abs=1e-6)
    falling = [choice for choice in held_out.choices(1) if choice.row == 111]
    assert all(choice.sign == -1 for choice in falling)
    assert falling or kind == "relu"


@pytest.mark.parametrize("parts", [[NEURONS], [5, NEURONS - 5]])
def test_ranking_by_mean_chooses_the_largest_mean_and_always_upwards(parts):
    values = values_like("normal")
    held_out = HeldOut(MEMBERS, OCCURRENCES, SPLITS, 0)
    first = 0
    for part in parts:
        add(held_out, values[first : first + part], first)
        first += part
    by_word = values.reshape(NEURONS, WORDS, OCCURRENCES)
    for category in range(len(SIZES)):
        choices = held_out.choices_by_mean(category)
        for choice, (choosing, testing) in zip(choices, turns_of(held_out), strict=True):
            means = by_word[:, [word for word in choosing if MEMBERS[word, category]]].mean(axis=(1, 2))
            assert (choice.row, choice.sign) == (int(means.argmax()), 1)
            assert choice.strength == pytest.approx(means.max(), rel=1e-5)
            assert choice.auroc == pytest.approx(auroc(values[choice.row], testing, category), abs=1e-6)
        assert {choice.row for choice in choices} == {7}  # the neuron that is always on


# --- too few words ------------------------------------------------------------------------------------------


def test_what_a_half_cannot_say_is_left_out():
    members = members_of(8, 1, 0)
    members[:, 2] = True  # a category of all words has nothing to be compared with
    held_out = HeldOut(members, OCCURRENCES, SPLITS, 0)
    found, precisions = add(held_out, values_like("normal"), 0)
    assert len(held_out.choices(0)) == 2 * SPLITS
    for category in (1, 2):
        assert held_out.choices(category) == held_out.choices_by_mean(category) == []
        assert np.isnan(found[:, category]).all()
        assert np.isnan(precisions[:, category]).all()
    assert np.isfinite(found[:, 0]).all()


def test_two_words_are_enough():
    members = members_of(2)
    held_out = HeldOut(members, OCCURRENCES, SPLITS, 0)
    values = values_like("normal")
    values[20].reshape(WORDS, OCCURRENCES)[members[:, 0]] = 50
    found, _ = add(held_out, values, 0)
    assert found[20, 0] == 1
    assert 20 in {choice.row for choice in held_out.choices(0)}
