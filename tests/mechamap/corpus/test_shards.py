"""Shards are ranges of documents that follow each other, of about the length that was asked for."""

from __future__ import annotations

import itertools
import tempfile
from pathlib import Path
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.corpus_files import opened, write_jsonl

from mechamap.corpus.documents import DocumentRange
from mechamap.corpus.shards import cut_into_shards, ranges_of_stream

LENGTHS = st.lists(st.lists(st.integers(0, 60), max_size=12), min_size=1, max_size=4)


@settings(max_examples=40, deadline=None)
@given(LENGTHS, st.integers(1, 150), st.sampled_from([1, 3, 100]))
def test_shards_hold_every_document_once_and_no_more_characters_than_asked(
    files: list[list[int]], most: int, marks: int
) -> None:
    files = [*files, [5]]
    with (
        tempfile.TemporaryDirectory() as folder,
        patch("mechamap.corpus.opening._MARKS", marks),
        patch("mechamap.corpus.opening._FEWEST", marks),
    ):
        for number, lengths in enumerate(files):
            write_jsonl(Path(folder) / f"{number}.jsonl", ["x" * length for length in lengths])
        corpus = opened(Path(folder))
        shards = cut_into_shards(corpus.inventory, most)
        assert shards == cut_into_shards(opened(Path(folder)).inventory, most)
        assert [shard.first for shard in shards] == [0, *(shard.stop for shard in shards[:-1])]
        assert shards[-1].stop == corpus.documents
        lengths = list(itertools.chain(*files))
        for shard in shards:
            assert shard.characters == sum(lengths[shard.first : shard.stop])
            assert shard.characters == sum(len(document.text) for document in corpus.read(shard.first, shard.stop))
            if marks == 100:  # each document has a mark
                assert shard.characters <= most or shard.stop == shard.first + 1


def test_marks_are_thinned_and_stay_even(tmp_path: Path) -> None:
    with patch("mechamap.corpus.opening._MARKS", 16):
        corpus = opened(write_jsonl(tmp_path / "x.jsonl", ["ten chars."] * 1000))
    documents = corpus.inventory.files[0].marks.documents
    assert documents == tuple(range(0, 1000, 64))
    assert [shard.stop - shard.first for shard in cut_into_shards(corpus.inventory, 2000)] == [192] * 5 + [40]
    short_first = cut_into_shards(corpus.inventory, 2000, (500, 1000))
    assert [shard.stop - shard.first for shard in short_first] == [64, 64, *[192] * 4, 104]


def test_a_data_set_of_unknown_length_is_cut_without_end(tmp_path: Path) -> None:
    corpus = opened(write_jsonl(tmp_path / "x.jsonl", ["One.", "Two."]))
    assert list(itertools.islice(ranges_of_stream(corpus.inventory, 100), 2)) == [
        DocumentRange(2, 102, None), DocumentRange(102, 202, None)
    ]  # fmt: skip
    for cut in (lambda: next(ranges_of_stream(corpus.inventory, 0)), lambda: cut_into_shards(corpus.inventory, 0)):
        with pytest.raises(ValueError, match="shards of 0"):
            cut()
