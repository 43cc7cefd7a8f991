"""Tokens as they are shown: characters and words whole, whatever the tokenizer cuts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.small_tokenizers import byte_level, meta_space, word_piece

from mechamap.config.schema import default_config, with_overrides
from mechamap.text.token_record import token_record
from mechamap.text.tokenize import tokenize
from mechamap.words.token_text import TokenText

TOKENIZERS = {"byte level": byte_level, "word piece": word_piece, "meta space": meta_space}


def cut(*pieces: str, windows: tuple[tuple[int, int, int], ...] | None = None) -> TokenText:
    return TokenText(pieces, windows or ((0, 0, len(pieces)),))


def test_a_character_of_several_tokens_is_whole_at_each() -> None:
    text = cut("Z", "ü", "", "rich", " 👩", "\u200d", "🚀", "")
    assert text.shown == ("Z", "ü", "ü", "rich", " 👩‍🚀", "👩‍🚀", "👩‍🚀", "👩‍🚀")
    assert text.drawn == ("Z", "ü", "", "rich", " 👩‍🚀", "", "", "")
    assert text.home.tolist() == [0, 1, 1, 3, 4, 4, 4, 4]


def test_a_word_is_whole_at_each_of_its_tokens() -> None:
    text = cut("in", " Z", "ü", "", "rich", ",", " भ", "ा", "रत", " a\u00adb", "c!", " 苹", "果", "甜")
    assert [text.word(position) for position in range(14)] == [
        "in", *["Zürich"] * 4, ",", *["भारत"] * 3, "a\u00adbc", "a\u00adbc!", "苹", "果", "甜",
    ]  # fmt: skip


def test_a_word_that_a_window_border_cuts_is_whole_too() -> None:
    text = cut("of Zü", "rich", "rich", windows=((0, 0, 1), (0, 1, 1), (1, 2, 1)))
    assert [text.word(position) for position in range(3)] == ["of Zürich", "Zürich", "rich"]


def test_what_is_longer_than_any_word_is_not_shown_whole() -> None:
    text = cut("a" * 5_000, "b", "a" * 5_000)
    assert text.word(1) == "a" * 100 + "b" + "a" * 100


def test_tokens_of_no_text_are_shown_as_they_are() -> None:
    bare = TokenText((" dog", "", "é"))
    assert bare.shown == (" dog", "", "é")
    assert [bare.word(position) for position in range(3)] == ["dog", "", "é"]
    special = TokenText(("<s>", "a"), ((0, 0, 2),), (0,))
    assert special.word(0) == "<s>"


@pytest.mark.parametrize("name", TOKENIZERS)
@given(text=st.text("añ क\u093eक्ष🚀\u200d👩é苹\n,", max_size=20))
def test_no_word_is_shown_that_is_not_in_the_text(name: str, text: str) -> None:
    config = with_overrides(default_config(), texts=[f"a {text}"], exclude_first_position=False, window=8)
    record = token_record(tokenize(config.texts, TOKENIZERS[name](), config, None))
    shown = TokenText(record.pieces, record.windows, record.special)
    positions = [position for position in range(len(record.pieces)) if position not in record.special]
    assert "".join(shown.drawn[position] for position in positions) == "".join(record.pieces[p] for p in positions)
    for position in positions:
        assert shown.word(position) in config.texts[0]
        assert record.pieces[position] in shown.shown[position]
        assert shown.shown[position] or not position
