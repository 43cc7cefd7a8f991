from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.small_tokenizers import TURN, byte_level, meta_space, word_piece

from mechamap.config.scan_config import Category
from mechamap.config.schema import default_config, with_overrides
from mechamap.system.plain_values import to_plain_values
from mechamap.text.occurrences import Occurrence, coverage, find_words
from mechamap.text.tokenize import TokenizedText, tokenize
from mechamap.words.finder import WordFinder

TOKENIZERS = {"byte level": byte_level, "word piece": word_piece, "meta space": meta_space}
every_tokenizer = pytest.mark.parametrize("kind", TOKENIZERS)


def matched(words: Sequence[str], text: str) -> list[str]:
    return [text[match.start : match.end] for match in WordFinder([words]).matches(text)]


def scanned(
    texts: Sequence[str], words: dict[str, list[str]], tokenizer: Any = None, **changes: object
) -> tuple[TokenizedText, tuple[Occurrence, ...], dict[str, Any]]:
    config = with_overrides(default_config(), categories=words, texts=texts, **changes)
    tokenized = tokenize(texts, tokenizer or byte_level(), config, None)
    found = find_words(tokenized, texts, [category.words for category in config.categories])
    return tokenized, found.occurrences, to_plain_values(coverage(found, config.categories))


# --- what matches -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "text", "found"),
    [
        (["dog"], "Dog, dogs, hotdog, DOG and dog_2: dog's", ["Dog", "DOG", "dog"]),
        (["Polish"], "Polish the polish. POLISH", ["Polish"]),
        (["York", "New York"], "New York, York and New\n  York", ["New York", "York", "New\n  York"]),
        (["ice cream", "cream"], "Ice cream, icecream, cream", ["Ice cream", "cream"]),
        (["7"], "7 of 77, 1.7 and 7th or x7", ["7", "7"]),
        (["C++", "C"], "C++ and C, not C++x", ["C++", "C", "C"]),
        (["café"], "CAFÉ, cafe, cafés, cafe\u0301", ["CAFÉ", "cafe\u0301"]),
        (["cafe"], "café cafe\u0301 cafe", ["cafe"]),
        (["a.b", "(x)"], "a.b acb (x)", ["a.b", "(x)"]),
        (["straße"], "Straße straße", ["Straße", "straße"]),
        (["東京"], "東京、東京都", ["東京", "東京"]),
        (["well-known", "known"], "well-known, known", ["well-known", "known"]),
        (["navy blue", "blue", "navy"], "navy blue sky, blue navy", ["navy blue", "blue", "navy"]),
    ],
)
def test_words_match_whole_smart_case_and_longest(words: list[str], text: str, found: list[str]) -> None:
    assert matched(words, text) == found


_words = st.lists(
    st.text("abAB +", min_size=1, max_size=4).map(lambda it: " ".join(it.split())).filter(bool),
    min_size=1,
    max_size=5,
    unique_by=str.casefold,
)


@given(_words, st.text("abAB +.\n", max_size=40))
def test_matches_are_what_a_look_at_every_place_finds(words: list[str], text: str) -> None:
    def stands_at(word: str, start: int) -> int | None:
        """The end of ``word`` at ``start``, one character at a time."""
        at = start
        for letter in word:
            if letter == " ":
                begin = at
                while at < len(text) and text[at].isspace():
                    at += 1
                if at == begin:
                    return None
            elif at < len(text) and (text[at] == letter or (word == word.lower() and text[at].lower() == letter)):
                at += 1
            else:
                return None
        before, after = text[start - 1 : start], text[at : at + 1]
        is_cut = any(map(str.isalnum, word)) and (before.isalnum() or after.isalnum())  # signs alone have no border
        return None if is_cut else at

    expected = []
    start = 0
    while start < len(text):
        ends = [(end, n) for n, word in enumerate(words) if (end := stands_at(word, start)) is not None]
        if ends:
            end = max(ends)[0]
            expected.append((start, end))
            start = end
        else:
            start += 1
    assert [(match.start, match.end) for match in WordFinder([words]).matches(text)] == expected


# --- where it stands --------------------------------------------------------------------------------------


@every_tokenizer
def test_in_the_master_text_an_occurrence_covers_its_word_whatever_the_tokenizer(kind: str) -> None:
    config = default_config()
    tokenized = tokenize(config.texts, TOKENIZERS[kind](), with_overrides(config, window=64), None)
    found = find_words(tokenized, config.texts, [each.words for each in config.categories]).occurrences
    assert len(found) > 150
    for it in found:
        word = config.categories[it.category].words[it.word]
        covered = "".join(tokenized.pieces[it.first : it.last + 1])
        assert config.texts[it.text][it.start : it.end].lower() == word.lower()
        assert word.lower() in " ".join(covered.lower().split())
        assert len(covered.strip()) <= len(word) + 1  # at most a sign that the last token ends with
        assert tokenized.scored[it.last]


def test_an_occurrence_of_several_tokens_ends_at_the_last() -> None:
    tokenized, found, report = scanned(["We saw a xylophone today."], {"thing": ["xylophone"]})
    assert "".join(tokenized.pieces[found[0].first : found[0].last + 1]).strip() == "xylophone"
    assert report["thing"]["found"] == {"xylophone": {"count": 1, "tokens": found[0].last - found[0].first + 1}}
    assert found[0].last > found[0].first


@pytest.mark.parametrize("word", ["café", "🧡", "日本"])
def test_a_last_character_of_several_tokens_belongs_to_the_occurrence(word: str) -> None:
    tokenized, found, _ = scanned([f"So {word} it is."], {"thing": [word]})
    assert "".join(tokenized.pieces[found[0].first : found[0].last + 1]).strip() == word
    assert tokenized.pieces[found[0].last + 1] != ""


def test_occurrences_are_in_order_of_category_text_and_place() -> None:
    _, found, _ = scanned(["A dog, a cat, a dog.", "Red cat."], {"color": ["red"], "animal": ["cat", "dog"]})
    assert [(it.category, it.text, it.start) for it in found] == [
        (0, 1, 0),
        (1, 0, 2),
        (1, 0, 9),
        (1, 0, 16),
        (1, 1, 4),
    ]
    assert [it.word for it in found] == [0, 1, 0, 1, 0]


def test_a_word_in_two_categories_occurs_in_both() -> None:
    _, found, _ = scanned(["An orange wall."], {"food": ["orange"], "color": ["orange"]})
    assert [(it.category, it.start) for it in found] == [(0, 3), (1, 3)]


# --- the coverage report ----------------------------------------------------------------------------------


def test_the_report_says_which_words_were_found_and_which_not() -> None:
    _, _, report = scanned(["A dog met a dog and a fox."], {"animal": ["dog", "fox", "wolf"]})
    assert json.loads(json.dumps(report)) == report
    animal = report["animal"]
    assert animal["occurrences"] == 3
    assert animal["found"]["dog"]["count"] == 2
    assert list(animal["found"]) == ["dog", "fox"]
    assert animal["not_found"] == ["wolf"]
    assert animal["dropped"] == 0


def test_an_occurrence_at_a_position_that_is_not_scored_is_dropped_and_counted() -> None:
    words = {"animal": ["to"]}
    text = "to be or not to be"
    _, found, report = scanned([text], words, add_bos=False)
    assert [it.start for it in found] == [13]
    assert (report["animal"]["occurrences"], report["animal"]["dropped"]) == (1, 1)
    _, found, report = scanned([text], words, add_bos=False, exclude_first_position=False)
    assert (len(found), report["animal"]["dropped"]) == (2, 0)


def test_an_occurrence_that_a_window_border_cuts_is_dropped_and_counted() -> None:
    text = " ".join(["New York"] * 30)
    tokenized, found, report = scanned([text], {"place": ["New York"]}, window=8, add_bos=False)
    borders = {window.start for window in tokenized.windows}
    assert report["place"]["dropped"] > 0
    assert report["place"]["dropped"] + len(found) == 30
    assert not any(set(range(it.first + 1, it.last + 1)) & borders for it in found)


def test_a_word_spelled_as_a_special_token_is_not_scored() -> None:
    _, found, report = scanned([f"A dog.{TURN} A cat."], {"sign": [TURN]})
    assert (len(found), report["sign"]["dropped"]) == (0, 1)


def test_categories_with_nothing_found_are_reported_too() -> None:
    _, found, report = scanned(["Nothing here."], {"animal": ["dog"], "plant": ["oak"]})
    assert found == ()
    assert {name: its["not_found"] for name, its in report.items()} == {"animal": ["dog"], "plant": ["oak"]}


def test_the_default_config_leaves_no_word_unfound() -> None:
    config = default_config()
    tokenized = tokenize(config.texts, byte_level(), config, None)
    found = find_words(tokenized, config.texts, [category.words for category in config.categories])
    report = to_plain_values(coverage(found, config.categories))
    assert all(its["occurrences"] >= 10 and not its["not_found"] for its in report.values())
    assert [Category(name, ()).name for name in report] == [category.name for category in config.categories]
