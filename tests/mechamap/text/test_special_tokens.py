from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from support.small_tokenizers import BOS, byte_level, word_piece
from support.tiny_encoders import framed_tokenizer

from mechamap.config.scan_config import ScanConfig
from mechamap.config.schema import default_config
from mechamap.errors import TextError
from mechamap.text.carrier_words import carrier_words
from mechamap.text.carriers import carry
from mechamap.text.occurrences import coverage, find_words
from mechamap.text.special_tokens import Specials, specials_around
from mechamap.text.tokenize import tokenize

KINDS = ("encoder", "encoder-decoder")
TEXTS = ("The cat sat on the mat. It ate an apple.", "A dog went to Paris by train.")


def config(**changes: object) -> ScanConfig:
    return replace(default_config(), texts=TEXTS, **changes)


def around(framing: str, kind: str = "encoder") -> tuple[list[str], list[str]]:
    tokenizer = framed_tokenizer(framing)
    named = specials_around(tokenizer, kind, True).named(tokenizer)
    return named["front"], named["behind"]


# --- what stands around -----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_models_that_read_to_the_right_get_what_their_tokenizer_puts_around_a_text(kind: str) -> None:
    assert around("bert", kind) == (["[CLS]"], ["[SEP]"])
    assert around("bart", kind) == (["<s>"], ["</s>"])
    assert around("t5", kind) == ([], ["</s>"])


@pytest.mark.parametrize("kind", KINDS)
def test_a_tokenizer_that_puts_nothing_around_leaves_it_at_that(kind: str) -> None:
    assert specials_around(word_piece(), kind, True) == Specials()


def test_a_decoder_gets_its_bos_alone() -> None:
    assert around("bart", "decoder") == (["<s>"], [])
    assert around("t5", "decoder") == ([], [])
    assert specials_around(byte_level(), "decoder", True).named(byte_level()) == {"front": [BOS], "behind": []}


@pytest.mark.parametrize("kind", ("decoder", *KINDS))
def test_nothing_stands_around_where_that_is_not_wanted(kind: str) -> None:
    assert specials_around(framed_tokenizer("bert"), kind, False) == Specials()


# --- in the text ------------------------------------------------------------------------------------------


def test_every_window_is_framed_and_the_text_between_is_whole() -> None:
    tokenizer = framed_tokenizer("bert")
    found = tokenize(TEXTS, tokenizer, config(window=12), None, "encoder")
    assert len(found.windows) > 2
    for window in found.windows:
        own = slice(window.start, window.start + window.length)
        assert (found.pieces[own][0], found.pieces[own][-1]) == ("[CLS]", "[SEP]")
        assert found.ids[own].tolist() == tokenizer("".join(found.pieces[own][1:-1]))["input_ids"]
        assert found.special[own].tolist() == [True, *[False] * (window.length - 2), True]
        assert (found.offsets[own][[0, -1]] == -1).all()
    for number, text in enumerate(TEXTS):
        pieces = [
            found.pieces[n] for w in found.windows if w.text == number for n in range(w.start, w.start + w.length)
        ]
        assert "".join(piece for piece in pieces if piece not in ("[CLS]", "[SEP]")) == text


def test_a_window_holds_no_more_than_its_limit_with_what_stands_around_it() -> None:
    found = tokenize(TEXTS, framed_tokenizer("bert"), config(window=9), None, "encoder")
    assert max(window.length for window in found.windows) == 9
    with pytest.raises(TextError, match="Windows of 2 tokens leave no room"):
        tokenize(TEXTS, framed_tokenizer("bert"), config(), 2, "encoder")


def test_an_encoder_loses_no_token_of_the_text_to_its_first_position() -> None:
    found = tokenize(TEXTS, framed_tokenizer("bert"), config(), None, "encoder")
    assert int((~found.scored).sum()) == 2 * len(found.windows)
    assert found.scored[found.offsets[:, 0] >= 0].all()


def test_where_nothing_stands_in_front_the_first_token_is_lost() -> None:
    """T5 has no BOS: what is not scored is the text's own first token, and the end."""
    found = tokenize(TEXTS, framed_tokenizer("t5"), config(), None, "encoder-decoder")
    left_out = [found.pieces[n] for n in np.flatnonzero(~found.scored)]
    assert left_out == ["The", "</s>", "A", "</s>"]


@pytest.mark.parametrize(
    ("framing", "kind", "said"),
    [
        ("bert", "encoder", "[CLS] in front of each window and [SEP] behind it"),
        ("bart", "encoder-decoder", "<s> in front of each window and </s> behind it"),
        ("t5", "encoder-decoder", "no special token in front, </s> behind each window"),
        ("bart", "decoder", "<s> in front of each window"),
        ("t5", "decoder", "no BOS in front"),
    ],
)
def test_the_policy_says_what_stands_where(framing: str, kind: str, said: str) -> None:
    found = tokenize(TEXTS, framed_tokenizer(framing), config(), None, kind)
    assert f"positions scored; {said}; left out" in found.exclusions.summary
    assert found.exclusions.bos == ("<s>" if (framing, kind) == ("bart", "decoder") else None)


def test_words_are_found_between_the_specials() -> None:
    its = config(window=16)
    found = tokenize(TEXTS, framed_tokenizer("bert"), its, None, "encoder")
    words_found = find_words(found, TEXTS, [category.words for category in its.categories])
    words = {"".join(found.pieces[it.first : it.last + 1]).strip(" .") for it in words_found.occurrences}
    assert {"cat", "apple", "dog", "Paris"} <= words
    assert coverage(words_found, its.categories)["animal"].dropped == 0


# --- in the carrier sentences -----------------------------------------------------------------------------


def test_carrier_sentences_are_framed_and_the_words_keep_their_places() -> None:
    its = config()
    tokenizer = framed_tokenizer("bert")
    carriers = carry(carrier_words(its, tokenizer), its, tokenizer, None, "encoder")
    found = carriers.tokenized
    for window in found.windows:
        ids = found.ids[window.start : window.start + window.length].tolist()
        assert (ids[0], ids[-1]) == (tokenizer.cls_token_id, tokenizer.sep_token_id)
    scored = np.flatnonzero(found.scored)
    for number, word in enumerate(carriers.words.words):
        for first, last in carriers.spans[number]:
            assert tokenizer.decode(found.ids[scored[first] : scored[last] + 1]).strip(" .,").startswith(word)


def test_a_carrier_sentence_fits_with_what_stands_around_it() -> None:
    its = config()
    tokenizer = framed_tokenizer("bert")
    longest = max(
        window.length
        for window in carry(carrier_words(its, tokenizer), its, tokenizer, None, "encoder").tokenized.windows
    )
    carry(carrier_words(its, tokenizer), its, tokenizer, longest, "encoder")
    with pytest.raises(TextError, match="a window holds"):
        carry(carrier_words(its, tokenizer), its, tokenizer, longest - 1, "encoder")
