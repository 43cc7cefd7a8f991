from __future__ import annotations

import dataclasses
import json
import re
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from support.small_tokenizers import BOS, TURN, byte_level, meta_space, word_piece
from transformers import PreTrainedTokenizerFast

from mechamap.config.scan_config import ScanConfig
from mechamap.config.schema import default_config, with_overrides
from mechamap.errors import TextError
from mechamap.system.plain_values import to_plain_values
from mechamap.text.tokenize import TokenizedText, tokenize

TOKENIZERS = {"byte level": byte_level, "word piece": word_piece, "meta space": meta_space}
MASTER = default_config().texts
every_tokenizer = pytest.mark.parametrize("kind", TOKENIZERS)


def config(**changes: object) -> ScanConfig:
    return with_overrides(default_config(), **changes)


def in_text(tokenized: TokenizedText) -> np.ndarray:
    return tokenized.offsets[:, 0] >= 0  # [positions]


def joined(tokenized: TokenizedText, text: int) -> str:
    pieces = ""
    for window in tokenized.windows:
        if window.text == text:
            positions = range(window.start, window.start + window.length)
            pieces += "".join(tokenized.pieces[n] for n in positions if in_text(tokenized)[n])
    return pieces


def window_texts(tokenized: TokenizedText) -> list[str]:
    keep = in_text(tokenized)
    return [
        "".join(tokenized.pieces[n] for n in range(w.start, w.start + w.length) if keep[n]) for w in tokenized.windows
    ]


_texts = st.lists(
    st.text(st.characters(codec="utf-8"), min_size=1, max_size=120)
    | st.lists(
        st.sampled_from(["dog.", "New York", "é", "🧡👍🏽", "\n\n", "日本。", "ﬁ", "C++", "e\u0301"]), min_size=1
    ).map(" ".join),
    min_size=1,
    max_size=3,
)


@every_tokenizer
@given(texts=_texts, window=st.integers(8, 40), bos=st.booleans())
def test_whatever_the_text_the_pieces_give_it_back_and_the_windows_hold_every_token_once(
    kind: str, texts: list[str], window: int, bos: bool
) -> None:
    tokenizer = TOKENIZERS[kind]()
    texts = [*texts, "The dog saw a cat."]
    expected = [tokenizer(text, add_special_tokens=False)["input_ids"] for text in texts]
    assume(all(text.strip() and ids for text, ids in zip(texts, expected, strict=True)))
    found = tokenize(texts, tokenizer, config(window=window, add_bos=bos), None)
    assert [joined(found, number) for number in range(len(texts))] == texts
    starts = [w.start for w in found.windows]
    assert starts == np.cumsum([0, *(w.length for w in found.windows)])[:-1].tolist()
    assert sum(w.length for w in found.windows) == len(found.ids) == len(found.pieces) == len(found.scored)
    assert all(w.length <= window for w in found.windows)
    for number, ids in enumerate(expected):
        of_text = [n for w in found.windows if w.text == number for n in range(w.start, w.start + w.length)]
        assert [int(found.ids[n]) for n in of_text if in_text(found)[n]] == ids


@every_tokenizer
def test_the_bos_is_in_front_of_every_window_where_the_tokenizer_has_one(kind: str) -> None:
    tokenizer = TOKENIZERS[kind]()
    found = tokenize(MASTER, tokenizer, config(window=64), None)
    starts = [window.start for window in found.windows]
    assert len(starts) > len(MASTER)
    if tokenizer.bos_token_id is None:
        assert in_text(found).all()
        assert found.exclusions.bos is None
    else:
        assert set(found.ids[starts].tolist()) == {tokenizer.bos_token_id}
        assert {found.pieces[start] for start in starts} == {tokenizer.bos_token}
        assert np.flatnonzero(~in_text(found)).tolist() == starts


def test_no_bos_is_put_in_front_when_the_config_says_so() -> None:
    assert in_text(tokenize(MASTER, byte_level(), config(add_bos=False), None)).all()


def test_the_policy_decides_which_positions_are_scored() -> None:
    texts = [f"A dog ran.{TURN} A cat sat."]

    def left_out(**policy: bool) -> list[str]:
        found = tokenize(texts, byte_level(), config(**policy), None)
        return [found.pieces[n] for n in np.flatnonzero(~found.scored)]

    assert left_out() == [BOS, TURN]
    assert left_out(exclude_special_tokens=False) == [BOS]
    assert left_out(exclude_first_position=False) == [BOS, TURN]
    assert left_out(exclude_first_position=False, exclude_special_tokens=False) == []
    assert left_out(add_bos=False) == ["A", TURN]


def test_a_special_token_inside_the_text_is_special_and_spelled_out() -> None:
    found = tokenize([f"One.{TURN} Two."], byte_level(), config(), None)
    assert [found.pieces[n] for n in np.flatnonzero(found.special)] == [BOS, TURN]
    assert joined(found, 0) == f"One.{TURN} Two."


def test_the_exclusions_count_what_was_left_out_and_are_plain_values() -> None:
    found = tokenize(MASTER, byte_level(), config(), None)
    plain = json.loads(json.dumps(to_plain_values(found.exclusions)))
    assert plain["positions"] == len(found.ids)
    assert plain["scored"] == int(found.scored.sum()) == len(found.ids) - len(MASTER)
    assert plain["excluded"] == plain["windows"] == len(MASTER)
    assert plain["exclude_first_position"] is plain["exclude_special_tokens"] is True
    assert f"{plain['scored']:,} of {plain['positions']:,} positions" in plain["summary"]


def test_a_piece_carries_the_blank_in_front_and_a_character_of_several_tokens_is_on_its_first() -> None:
    found = tokenize(["Red 🧡 fox  \n"], byte_level(), config(add_bos=False), None)
    assert "".join(found.pieces) == "Red 🧡 fox  \n"
    heart = next(n for n, piece in enumerate(found.pieces) if "🧡" in piece)
    assert found.pieces[heart + 1] == ""
    found = tokenize(["Red fox  \n"], word_piece(), config(), None)
    assert found.pieces[-1].endswith("  \n")


@every_tokenizer
def test_offsets_are_spans_of_the_text_that_never_step_back(kind: str) -> None:
    found = tokenize(MASTER, TOKENIZERS[kind](), config(window=64), None)
    for number, text in enumerate(MASTER):
        positions = [n for w in found.windows if w.text == number for n in range(w.start, w.start + w.length)]
        spans = found.offsets[[n for n in positions if in_text(found)[n]]]
        assert (np.diff(spans, axis=0) >= 0).all()
        assert (spans[:, 0] <= spans[:, 1]).all()
        assert spans.min() == 0
        assert spans.max() == len(text)


# --- windows ----------------------------------------------------------------------------------------------


def test_a_text_that_fits_is_one_window_and_texts_never_share_one() -> None:
    found = tokenize(["A dog ran.", "A cat sat."], byte_level(), config(), None)
    assert [window.text for window in found.windows] == [0, 1]


@every_tokenizer
def test_a_long_text_is_cut_between_sentences_into_windows_of_like_length(kind: str) -> None:
    text = " ".join(MASTER)
    found = tokenize([text], TOKENIZERS[kind](), config(window=128), None)
    parts = window_texts(found)
    assert len(parts) > 8
    assert all(re.search(r"[.!?]\"?\s*$", part) for part in parts)
    assert min(window.length for window in found.windows) >= 48


def test_a_text_without_sentences_is_cut_between_words() -> None:
    text = "the dog and the cat and the fox and the owl " * 20
    for before, after in pairwise(window_texts(tokenize([text], byte_level(), config(window=30), None))):
        assert before[-1].isspace() or after[0].isspace()


def test_a_text_without_words_is_cut_between_characters() -> None:
    found = tokenize(["🧡" * 60], byte_level(), config(window=13), None)
    assert len(found.windows) > 10
    assert set("".join(window_texts(found))) == {"🧡"}
    assert all(window_texts(found))


def test_a_letter_is_not_cut_from_its_marks() -> None:
    letter = "e\u0301\u0323"
    found = tokenize([letter * 40], byte_level(), config(window=17), None)
    assert len(found.windows) > 5
    assert all(len(part) % len(letter) == 0 for part in window_texts(found))


def test_a_sentence_ends_with_the_sign_of_its_script() -> None:
    sentence = "भारत में नदी बहती है। "
    parts = window_texts(tokenize([sentence * 12], byte_level(), config(window=150), None))
    assert len(parts) > 2
    assert all(part.strip().endswith("।") for part in parts)


def test_the_model_bounds_the_window_too() -> None:
    found = tokenize(MASTER, byte_level(), config(window=512), 20)
    assert max(window.length for window in found.windows) <= 20
    assert found.exclusions.window == 20


def test_a_tokenizer_that_would_truncate_does_not() -> None:
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=byte_level().backend_tokenizer)
    tokenizer.backend_tokenizer.enable_truncation(5)
    assert joined(tokenize(MASTER[:1], tokenizer, config(), None), 0) == MASTER[0]


# --- what cannot be scanned -------------------------------------------------------------------------------


@pytest.mark.parametrize("texts", [[], [""], ["Fine.", " \n "]])
def test_an_empty_text_is_refused(texts: list[str]) -> None:
    with pytest.raises(TextError, match=r"No text|is empty"):
        tokenize(texts, byte_level(), config(), None)


def test_a_text_of_no_tokens_is_refused() -> None:
    with pytest.raises(TextError, match="gives no tokens"):
        tokenize(["\x00\x01"], word_piece(), config(), None)


def test_a_tokenizer_without_offsets_is_refused_with_a_hint() -> None:
    class Slow:
        is_fast = False

    with pytest.raises(TextError, match="tokenizer Slow gives no character offsets") as caught:
        tokenize(MASTER, Slow(), config(), None)
    assert "tokenizer.json" in caught.value.hint


def test_a_scan_with_nothing_left_to_score_is_refused() -> None:
    with pytest.raises(TextError, match=r"No position is left to score: 0 of 1 positions scored"):
        tokenize(["a"], byte_level(), config(add_bos=False), None)
    with pytest.raises(TextError, match="leave no room"):
        tokenize(["a dog"], byte_level(), config(), 1)


def test_a_tokenized_text_is_not_changed_afterwards() -> None:
    found = tokenize(MASTER[:1], byte_level(), config(), None)
    with pytest.raises(dataclasses.FrozenInstanceError):
        found.windows = ()  # type: ignore[misc]
