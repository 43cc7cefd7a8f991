"""Grapheme clusters, and the rest of the words around a stretch of text."""

from __future__ import annotations

import pytest

from mechamap.words.clusters import Clusters


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("abc", [0, 1, 2, 3]),
        ("e\u0301a", [0, 2, 3]),
        ("भारत", [0, 2, 3, 4]),
        ("မာမ", [0, 2, 3]),  # a vowel sign of Burmese is a mark like others
        ("👩‍🚀🇩🇪", [0, 3, 5]),
        ("\u1112\u1161\u11ab\u1100", [0, 3, 4]),
        ("\n\u0301", [0, 1, 2]),
        ("a\r\nb", [0, 1, 3, 4]),
    ],
)
def test_where_one_character_ends_for_a_reader(text: str, places: list[int]) -> None:
    clusters = Clusters(text)
    assert sorted({clusters.begin(place) for place in range(len(text) + 1)}) == places
    assert sorted({clusters.end(place) for place in range(len(text) + 1)}) == places


@pytest.mark.parametrize(
    ("text", "part", "word"),
    [
        ("on dog_2's way", "og", "dog_2"),
        ("a well-known one", "kno", "known"),
        ("Zürich", "rich", "Zürich"),
        ("dog\u00adma", "do", "dog\u00adma"),
        ("我吃苹果。", "果", "果"),
        ("wow🚀!", "🚀", "🚀"),
        ("(dog)", "(do", "(dog"),
    ],
)
def test_the_rest_of_a_word(text: str, part: str, word: str) -> None:
    start = text.index(part)
    first, last = Clusters(text).word_around(start, start + len(part))
    assert text[first:last] == word
