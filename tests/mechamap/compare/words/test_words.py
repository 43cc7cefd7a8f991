"""Words are the same for every model, and each model has read a word at the token that holds its last character."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.recorded_run import TEXT, recorded_run
from support.small_tokenizers import byte_level, meta_space, word_piece

from mechamap.compare.words.words import Words, common_words, run_words, word_spans, words_in
from mechamap.config.schema import default_config
from mechamap.csv_files.run import read_csv
from mechamap.errors import RunError, UsageError
from mechamap.runs.record import TokenRecord
from mechamap.runs.run import Run
from mechamap.text.tokenize import TokenizedText, tokenize

TOKENIZERS = {"byte level": byte_level, "word piece": word_piece, "meta space": meta_space}


def record_of(text: TokenizedText) -> TokenRecord:
    """As a scan keeps it."""
    return TokenRecord(
        ids=tuple(text.ids.tolist()),
        pieces=text.pieces,
        windows=tuple((window.text, window.start, window.length) for window in text.windows),
        special=tuple(np.flatnonzero(text.offsets[:, 0] < 0).tolist()),
        excluded=tuple(np.flatnonzero(~text.scored).tolist()),
    )


def read(texts: tuple[str, ...], tokenizer: Any, window: int = 512) -> tuple[Words, TokenizedText]:
    text = tokenize(texts, tokenizer, replace(default_config(), window=window), None)
    return words_in(texts, record_of(text)), text


def words_of(text: str) -> list[str]:
    return [text[start:end] for start, end in word_spans(text)]


def test_a_word_is_letters_and_digits_joined_by_apostrophes_and_hyphens() -> None:
    assert words_of("Don't stop: twenty-one cats' tails, 3rd_place - \"so\" it’s --x--") == [
        "Don't", "stop", "twenty-one", "cats", "tails", "3rd_place", "so", "it’s", "x",
    ]  # fmt: skip


def test_combining_marks_belong_to_their_word() -> None:
    cafe = "cafe\u0301s"
    assert words_of(f"two {cafe} हिन्दी") == ["two", cafe, "हिन्दी"]


def test_there_are_no_words_in_a_text_of_signs() -> None:
    assert words_of("... --- !!! \U0001f600") == []


@pytest.mark.parametrize("name", TOKENIZERS)
@pytest.mark.parametrize("window", [24, 512])
def test_the_token_at_a_word_holds_its_last_character(name: str, window: int) -> None:
    texts = ("Ünïcode naïve 日本語 cafés, Tuesday's twenty-one dogs; don't.", default_config().texts[0])
    words, text = read(texts, TOKENIZERS[name](), window)
    assert len(words) == sum(len(word_spans(its)) for its in texts)
    found = 0
    for (number, _start, end), position in zip(words.spans.tolist(), words.positions.tolist(), strict=True):
        if position < 0:
            continue
        assert text.scored[position]
        first, last = text.offsets[position].tolist()
        assert first < end <= last
        home = next(its for its in text.windows if its.start <= position < its.start + its.length)
        assert home.text == number
        # and it is the last such token: the next one of the window begins behind the word
        if position + 1 < home.start + home.length and text.offsets[position + 1, 0] >= 0:
            assert text.offsets[position + 1, 1] > end or text.offsets[position + 1, 0] >= end
        found += 1
    assert found > 0.8 * len(words)


def test_a_character_of_several_tokens_is_read_at_its_last() -> None:
    words, text = read(("say 日本語 now",), byte_level())
    assert words.strings == ("say", "日本語", "now")
    position = int(words.positions[1])
    assert text.pieces[position] == "" and text.pieces[position + 1].strip().startswith("n")


def test_words_are_the_same_words_for_all_models() -> None:
    texts = tuple(default_config().texts[:3])
    (a, _), (b, other), (c, _) = (read(texts, make()) for make in TOKENIZERS.values())
    assert a.strings == b.strings == c.strings
    both = common_words(a, b)
    assert (a.positions[both] >= 0).all() and (b.positions[both] >= 0).all()
    last = [other.pieces[position].strip().lower()[-1:] for position in b.positions[both]]
    assert last == [a.strings[number].lower()[-1] for number in both]


def test_a_word_at_a_position_that_does_not_count_in_either_model_is_left_out() -> None:
    texts = ("Tuesday was the day.",)
    (a, _), (b, _) = read(texts, byte_level()), read(texts, byte_level(bos=False))
    sink = b.positions < 0  # without a BOS the first token is the sink; "Tuesday" may be several
    assert (a.positions >= 0).all()
    np.testing.assert_array_equal(common_words(a, b), np.flatnonzero(~sink))


def test_a_word_that_a_window_ends_inside_of_is_left_out() -> None:
    text = "a" + "bcdefghij" * 8 + " dog"
    words, tokenized = read((text,), byte_level(), window=20)
    assert len(tokenized.windows) > 1
    assert words.strings[0] == text.split(maxsplit=1)[0]
    assert words.positions[0] == -1 and words.positions[1] >= 0


def test_the_words_of_a_run_are_those_of_its_text(tmp_path: Path) -> None:
    run = recorded_run(tmp_path / "run")
    words = run_words(run)
    assert words.texts == (TEXT,)
    assert words.strings[:5] == ("The", "dog", "ate", "a", "red")
    assert words.positions[:3].tolist() == [-1, 2, 3]  # positions 0 and 1 are excluded in a recorded run


def test_different_texts_are_refused_with_where_they_differ_and_what_to_do(tmp_path: Path) -> None:
    a = run_words(recorded_run(tmp_path / "run"))
    changed = replace(a, texts=(TEXT.replace("horse", "goat"),))
    with pytest.raises(UsageError, match=r"character 57 on, 'horse.*' and 'goat") as caught:
        common_words(a, changed)
    assert "--text" in str(caught.value.hint)
    with pytest.raises(UsageError, match="1 text and 2 texts"):
        common_words(a, replace(a, texts=(TEXT, TEXT)))
    with pytest.raises(UsageError, match="its end"):
        common_words(a, replace(a, texts=(TEXT + " And so on.",)))


def test_texts_without_a_word_that_both_read_are_refused(tmp_path: Path) -> None:
    a = run_words(recorded_run(tmp_path / "run"))
    with pytest.raises(UsageError, match="No word ends at a scored position of both"):
        common_words(a, replace(a, positions=np.full(len(a), -1)))


def test_runs_without_a_text_or_with_another_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "old.csv"
    file.write_text("model,layer,neuron,category,avg_activation,top_tokens\nm,0,0,animal,0.5,[]\n")
    with pytest.raises(RunError, match="keeps no text"):
        run_words(read_csv(file))
    run = recorded_run(tmp_path / "run")
    other = Run(replace(run.record, config=replace(run.config, texts=("Something else.",))), path=run.path)
    with pytest.raises(RunError, match="do not belong to its text"):
        run_words(other)
