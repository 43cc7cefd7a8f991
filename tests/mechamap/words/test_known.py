"""Which words of a list are one to whoever looks for them in a text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mechamap.words.finder import WordFinder
from mechamap.words.known import KnownWords, without_case, word_key


@pytest.mark.parametrize(
    ("one", "other"),
    [("egg", "Egg"), ("Egg", "egg"), ("café", "cafe\u0301"), ("don't", "don’t"), ("ice\u00adberg", "iceberg")],
)
def test_what_finds_the_same_places_is_one_word(one: str, other: str) -> None:
    assert KnownWords([one]).like(other) == one


@pytest.mark.parametrize(
    ("one", "other"),
    [("IT", "It"), ("ausser", "außer"), ("kır", "kir"), ("resume", "résumé"), ("co-op", "coop"), ("می‌رود", "میرود")],
)
def test_what_can_be_told_apart_is_two(one: str, other: str) -> None:
    assert KnownWords([one]).like(other) is None
    assert KnownWords([other]).like(one) is None


_letters = st.text("aAßsSİiıIéE\u0301’'-", min_size=1, max_size=4)


@given(_letters, _letters)
def test_words_of_one_key_find_each_other(one: str, other: str) -> None:
    def finds(word: str, text: str) -> bool:
        return [(match.start, match.end) for match in WordFinder([[word]]).matches(text)] == [(0, len(text))]

    if word_key(one) == word_key(other):
        assert finds(one, other) and finds(other, one)
        assert without_case(one) == without_case(other)
