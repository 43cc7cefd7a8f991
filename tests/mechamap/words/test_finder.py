"""Words of many lists, found in one reading of a text."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mechamap.words.finder import Match, WordFinder, has_no_border


def found(words: list[str], text: str) -> list[str]:
    return [text[match.start : match.end] for match in WordFinder([words]).matches(text)]


@pytest.mark.parametrize(
    ("words", "text", "matches"),
    [
        # marks, joiners and invisible characters belong to the letter in front of them
        (["rich"], unicodedata.normalize("NFD", "Zürich is rich"), ["rich"]),
        (["cafe"], "cafe\u0301 cafe", ["cafe"]),
        (["काम", "गान"], "काम गाना गान", ["काम", "गान"]),
        (["mar"], "mar\u00adket mar", ["mar"]),
        (["market"], "mar\u00adket", ["mar\u00adket"]),
        (["کتاب"], "کتاب‌ها کتاب", ["کتاب"]),
        (["کتاب"], "کتاب\u200c است", ["کتاب\u200c"]),
        (["market"], "\u2067market\u2069", ["market"]),
        (
            ["\ufeffmarket", "\u200bbazaar", "\u00ad mall", "\u00ad"],
            "market, bazaar, mall",
            ["market", "bazaar", "mall"],
        ),
        (["👩"], "👩‍🚀 👩🏽 👩", ["👩"]),
        (["❤"], "love❤️you", ["❤️"]),
        (["7"], "7️⃣ 7", ["7"]),
        # scripts without spaces have no borders, and part the words beside them
        (["パン", "木"], "パンは木の上", ["パン", "木"]),
        (["linux"], "私はLinuxを使う", ["Linux"]),
        (["ปลา"], "แมวกินปลาทู", ["ปลา"]),
        (["ก"], "กำก", ["ก"]),
        (["3"], "3月13日", ["3"]),
        (["사과"], "사과를 사과", ["사과"]),  # Korean is written with spaces
        # signs alone have none either
        (["%", "+"], "5% of 1+1, C++", ["%", "+", "+", "+"]),
        (["C++"], "C++ C++x", ["C++"]),
        # typographic signs
        (["don't", "well-known"], "don’t, well‑known", ["don’t", "well‑known"]),
        (["don’t"], "Don't", ["Don't"]),
        (["п'ять"], "пʼять п’ять", ["пʼять", "п’ять"]),
        (["dog"], "dogʼs dog’s", ["dog"]),  # the letter apostrophe is a letter
        # case
        (["straße"], "Straße STRASSE Strasse", ["Straße", "STRASSE"]),
        (["masse"], "Maße masse MASSE", ["masse", "MASSE"]),
        (["λόγος"], "ΛΌΓΟΣ Λόγος", ["ΛΌΓΟΣ", "Λόγος"]),
        (["μαΐου"], "ΜΑΪ\u0301ΟΥ μαΐου", ["ΜΑΪ\u0301ΟΥ", "μαΐου"]),
        (["izmir"], "İzmir IZMIR i\u0307zmir", ["İzmir", "IZMIR", "i\u0307zmir"]),
        (["ırmak"], "Irmak IRMAK irmak", ["Irmak", "IRMAK"]),
        (["US", "us"], "US us Us", ["US", "us", "Us"]),
    ],
)
def test_what_is_one_word(words: list[str], text: str, matches: list[str]) -> None:
    assert found(words, text) == matches


@given(st.text("aäo\u0308e\u0301 각한ñ’-", max_size=24), st.sampled_from(["ä", "ö a", "é", "각", "한각", "ñ-a"]))
def test_composed_and_decomposed_texts_have_the_same_words_at_the_same_letters(text: str, word: str) -> None:
    def letters(form: str, of_word: str) -> list[str]:
        written = unicodedata.normalize(form, text)
        matches = WordFinder([[unicodedata.normalize(of_word, word)]]).matches(written)
        return [unicodedata.normalize("NFC", written[: match.end]) for match in matches]

    assert letters("NFC", "NFC") == letters("NFD", "NFC") == letters("NFC", "NFD") == letters("NFD", "NFD")


def test_each_list_is_looked_for_by_itself() -> None:
    finder = WordFinder([["new", "york"], ["new york"], ["York"]])
    assert sorted(finder.matches("New York")) == [
        Match(0, 0, 0, 3),
        Match(0, 1, 4, 8),
        Match(1, 0, 0, 8),
        Match(2, 0, 4, 8),
    ]


def test_a_word_of_several_is_found_over_any_blanks() -> None:
    assert found(["new york"], "New\u00a0York, new\n\tyork, newyork, new \u200eyork") == [
        "New\u00a0York", "new\n\tyork", "new \u200eyork",
    ]  # fmt: skip


def test_a_permitted_line_break_parts_no_word_of_khmer() -> None:
    assert found(["ភាសាខ្មែរ"], "ភាសា\u200bខ្មែរ") == ["ភាសា\u200bខ្មែរ"]
    assert found(["dog"], "hot\u200bdog") == ["dog"]


def test_words_of_scripts_without_spaces_have_no_border() -> None:
    assert [has_no_border(word) for word in ("苹果", "ปลา", "iPhone手机", "사과", "dog", "%")] == [True] * 3 + [
        False
    ] * 3


def test_the_number_of_words_does_not_change_what_is_looked_at() -> None:
    words = [f"word{number}" for number in range(5_000)]
    assert found(words, "a word4999, word49999 and Word0") == ["word4999", "Word0"]
