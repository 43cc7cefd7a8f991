"""A sentence as it is read: like a window of a scan, and cut where it is longer than the model's context."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from support.scanned_models import Scanned

from mechamap.errors import TextError, UsageError
from mechamap.probe.prompt import read_prompt
from mechamap.text.tokenize import tokenize


@pytest.mark.parametrize("add_bos", [True, False])
def test_a_sentence_is_tokenized_as_a_scan_does(scanned: Callable[..., Scanned], add_bos: bool) -> None:
    subject = scanned("gpt2", add_bos=add_bos)
    text = "The cat ate an apple in Paris."
    prompt = read_prompt(text, subject.loaded, subject.run.config)
    window = tokenize([text], subject.loaded.tokenizer, subject.run.config, subject.loaded.context)
    assert np.array_equal(prompt.tokenized.ids, window.ids)
    assert prompt.tokenized.pieces == window.pieces
    assert np.array_equal(prompt.tokenized.scored, window.scored)
    assert prompt.cut == ""
    assert prompt.message().special == ((0,) if add_bos else ())


def test_a_text_longer_than_the_context_is_cut_at_its_end_and_says_so(scanned: Callable[..., Scanned]) -> None:
    subject = scanned("gpt2")
    text = "The cat ate. " * 200
    prompt = read_prompt(text, subject.loaded, subject.run.config)
    assert len(prompt) == subject.loaded.context == 128
    read = "".join(prompt.tokenized.pieces[1:])
    assert text.startswith(read)
    assert prompt.cut == (
        f"Only the first 128 tokens ({len(read):,} of {len(text):,} characters) were read: the model's context."
    )


def test_a_single_token_can_be_asked_about(scanned: Callable[..., Scanned]) -> None:
    subject = scanned("gpt2", add_bos=False)
    prompt = read_prompt("a", subject.loaded, subject.run.config)
    assert len(prompt) == 1
    assert prompt.message().excluded == (0,)  # a scan would not score it


@pytest.mark.parametrize(
    ("text", "said"), [("", "empty"), (" \n\t", "empty"), ("half \ud83d here", "Character 6 .* half a character")]
)
def test_what_is_no_text_is_refused(scanned: Callable[..., Scanned], text: str, said: str) -> None:
    subject = scanned("gpt2")
    with pytest.raises(TextError, match=said):
        read_prompt(text, subject.loaded, subject.run.config)


def test_positions_count_from_either_end(scanned: Callable[..., Scanned]) -> None:
    subject = scanned("gpt2")
    prompt = read_prompt("The cat", subject.loaded, subject.run.config)
    last = len(prompt) - 1
    assert [prompt.place(position) for position in (0, last, -1, None)] == [0, last, last, last]
    with pytest.raises(UsageError, match=f"Token {last + 1} does not exist: the text has tokens 0 to {last}"):
        prompt.place(last + 1)
