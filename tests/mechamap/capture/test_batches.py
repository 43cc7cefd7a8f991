from __future__ import annotations

import numpy as np
import pytest
import torch

from mechamap.capture.batches import Batch, window_batches
from mechamap.errors import UnsupportedModel
from mechamap.models.reading import Reading
from mechamap.text.tokenize import TokenizedText, Window

CPU = torch.device("cpu")
BOTH = Reading("encoder-decoder", start=7, pad=9)


def text_of(*lengths: int) -> TokenizedText:
    """Windows of so many tokens, numbered from 100."""
    starts = np.cumsum([0, *lengths]).tolist()
    total = starts[-1]
    windows = tuple(Window(0, start, length) for start, length in zip(starts[:-1], lengths, strict=True))
    scored = np.ones(total, np.bool_)
    scored[starts[:-1]] = False
    offsets = np.zeros((total, 2), np.int32)
    return TokenizedText(np.arange(100, 100 + total, dtype=np.int32), (), offsets, ~scored, scored, windows)


def one_batch(*lengths: int, reading: Reading) -> Batch:
    text = text_of(*lengths)
    (batch,) = window_batches(text, text.scored, 1000, CPU, reading)
    return batch


def test_a_decoder_is_given_ids_and_mask_and_keeps_nothing() -> None:
    text = text_of(3, 2)
    (batch,) = window_batches(text, text.scored, 1000, CPU)
    given = batch.inputs
    assert given["input_ids"].tolist() == [[100, 101, 102], [103, 104, 0]]
    assert given["attention_mask"].tolist() == [[1, 1, 1], [1, 1, 0]]
    assert given["use_cache"] is False
    assert set(given) == {"input_ids", "attention_mask", "use_cache"}
    assert batch.take.tolist() == batch.take_for("", 6).tolist() == [1, 2, 4]


def test_a_decoder_beside_an_encoder_reads_the_same_text_behind_its_start_token() -> None:
    given = one_batch(3, 2, reading=BOTH).inputs
    assert given["input_ids"].tolist() == [[100, 101, 102], [103, 104, 9]]
    assert given["decoder_input_ids"].tolist() == [[7, 100, 101, 102], [7, 103, 104, 9]]
    assert given["decoder_attention_mask"].tolist() == [[1, 1, 1, 1], [1, 1, 1, 0]]


def test_where_there_is_no_start_token_the_last_of_each_window_stands_first() -> None:
    given = one_batch(3, 2, reading=Reading("encoder-decoder", start=None, pad=9)).inputs
    assert given["decoder_input_ids"].tolist() == [[102, 100, 101, 102], [104, 103, 104, 9]]


@pytest.mark.parametrize(("side", "key"), [("encoder", "input_ids"), ("decoder", "decoder_input_ids")])
def test_the_places_of_a_side_are_where_it_reads_the_wanted_tokens(side: str, key: str) -> None:
    batch = one_batch(3, 2, reading=BOTH)
    read = batch.inputs[key].reshape(-1)
    assert read[batch.take_for(side, len(read))].tolist() == [101, 102, 104]


@pytest.mark.parametrize("side", ["encoder", "decoder"])
def test_rows_that_a_model_adds_behind_each_window_are_passed_over(side: str) -> None:
    """Longformer pads to a multiple of its window; ProphetNet's decoder has a row for each token it predicts ahead."""
    batch = one_batch(3, 2, reading=BOTH)
    read = batch.inputs["decoder_input_ids" if side == "decoder" else "input_ids"]
    padded = torch.nn.functional.pad(read, (0, 8 - read.shape[1]), value=-1).reshape(-1)
    assert padded[batch.take_for(side, 16)].tolist() == [101, 102, 104]


@pytest.mark.parametrize(("side", "rows"), [("encoder", 4), ("encoder", 7), ("decoder", 6)])
def test_rows_that_are_no_tokens_are_refused(side: str, rows: int) -> None:
    with pytest.raises(UnsupportedModel, match=f"{rows} rows of activations for 2 windows of"):
        one_batch(3, 2, reading=BOTH).take_for(side, rows)


def test_a_model_that_sees_padding_gets_windows_of_one_length() -> None:
    text = text_of(3, 3, 2, 2, 2, 3)
    lengths = [
        tuple(batch.ids.shape)
        for batch in window_batches(text, text.scored, 1000, CPU, Reading("encoder", equal_lengths=True))
    ]
    assert lengths == [(2, 3), (3, 2), (1, 3)]
    assert all(
        bool(batch.mask.all()) for batch in window_batches(text, text.scored, 4, CPU, Reading(equal_lengths=True))
    )


def test_only_what_a_forward_takes_is_given_to_it() -> None:
    assert set(one_batch(2, reading=Reading("encoder", masked=False, cached=False)).inputs) == {"input_ids"}
