"""Control words that are like a category's words, and strata of words that are alike."""

from __future__ import annotations

import numpy as np

from mechamap.config.schema import default_config
from mechamap.words.features import FEATURES, feature_name
from mechamap.words.matching import Alike, alike, draw_matched, feature_levels, strata
from mechamap.words.pool import control_words

POOL = [control.word for control in control_words()]


def features(words: list[str]) -> Alike:
    """As of a tokenizer that takes five letters for a token."""
    return alike(words, [[hash(word[start : start + 5]) % 1000 for start in range(0, len(word), 5)] for word in words])


def test_drawn_words_have_the_features_of_the_words_they_are_drawn_for() -> None:
    pool = features(POOL)
    for category in default_config().categories:
        members = features(list(category.words))
        drawn = pool.take(draw_matched(members, pool, 2, np.zeros(len(POOL), bool)))
        assert len(drawn.zipf) == 2 * len(category.words)
        assert abs(drawn.capital.mean() - members.capital.mean()) < 0.02
        assert abs(drawn.tokens.mean() - members.tokens.mean()) < 0.1
        assert abs(drawn.letters.mean() - members.letters.mean()) < 1
        assert abs(drawn.zipf.mean() - members.zipf.mean()) < 0.4


def test_a_word_that_is_drawn_already_is_rather_taken_again() -> None:
    pool, members = features(POOL), features(["dog", "cat", "horse", "cow"])
    first = draw_matched(members, pool, 2, np.zeros(len(POOL), bool))
    drawn = np.zeros(len(POOL), bool)
    drawn[first] = True
    again = draw_matched(features(["goat", "pig", "lion", "fox"]), pool, 2, drawn)
    apart = draw_matched(features(["goat", "pig", "lion", "fox"]), pool, 2, np.zeros(len(POOL), bool))
    assert np.isin(again, first).sum() >= np.isin(apart, first).sum()


def test_no_word_is_drawn_twice_and_a_small_pool_is_used_up() -> None:
    members = features(["dog", "cat", "horse"])
    assert draw_matched(members, features(["table", "chair"]), 2, np.zeros(2, bool)).tolist() == [0, 1]
    assert draw_matched(members, features([]), 2, np.zeros(0, bool)).tolist() == []


def test_words_of_a_stratum_share_what_they_must_and_are_about_as_frequent() -> None:
    words = features(POOL[::7])
    numbers = strata(words)
    assert sorted(set(numbers.tolist())) == list(range(int(numbers.max()) + 1))
    spread = []
    for number in range(int(numbers.max()) + 1):
        here = words.take(numbers == number)
        assert len(set(zip(here.capital, here.tokens, here.part, strict=True))) == 1
        assert len(here.zipf) < 24
        spread.append(here.zipf.std())
    assert np.median(spread) < words.zipf.std() / 3


def test_inflected_forms_are_not_like_base_forms() -> None:
    words = alike(["cost", "costs", "stay", "stayed", "glass", "Wales"], [[1]] * 6)
    assert words.part[0] != words.part[1]
    assert words.part[2] != words.part[3]
    assert words.part[4] == words.part[0]


def test_there_are_levels_for_every_feature_that_is_named() -> None:
    levels = feature_levels(features(POOL[:200]))
    assert len(levels) == len(FEATURES)
    assert all(level.min() >= 0 and len(level) == 200 for level in levels)
    assert feature_name(0) == "capital letter"
    assert feature_name(float("nan")) == feature_name(len(FEATURES)) == ""
