"""Every kind of file gives the same documents, from any place on, and names them."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from unittest.mock import patch

import pyarrow
import pyarrow.parquet
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.corpus_files import CORPUS_KINDS, opened, packed, write_jsonl, write_parquet, written_corpus

from mechamap.corpus.documents import Document
from mechamap.corpus.inventory import Inventory
from mechamap.corpus.opening import open_corpus

WORDS = st.text(
    st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\ufeff\u2028\u2029\x85"), max_size=12
)
TEXTS = st.lists(WORDS | st.sampled_from(["", "  ", "a cat", "食べる 🍎 \u0301"]), min_size=1, max_size=14)


@pytest.fixture(autouse=True)
def small_steps() -> Iterator[None]:
    """Blocks of a few bytes and few marks, so that short texts meet every border."""
    with (
        patch("mechamap.corpus.lines.BLOCK", 5),
        patch("mechamap.corpus.byte_streams.BLOCK", 5),
        patch("mechamap.corpus.opening._MARKS", 4),
        patch("mechamap.corpus.opening._FEWEST", 2),
    ):
        yield


def is_blank(text: str) -> bool:
    return not text.strip()


@pytest.mark.parametrize("kind", CORPUS_KINDS)
@settings(max_examples=15, deadline=None)
@given(TEXTS, st.data())
def test_any_range_is_that_slice_of_a_full_reading(kind: str, texts: list[str], data: st.DataObject) -> None:
    texts = [*texts, "the last one"]
    with tempfile.TemporaryDirectory() as folder:
        corpus = open_corpus(written_corpus(Path(folder), kind, texts))
        full = list(corpus.read())
        assert [(document.number, document.text) for document in full] == [
            (number, text) for number, text in enumerate(texts) if not is_blank(text)
        ]
        assert corpus.documents == len(texts)
        assert corpus.inventory.blank == sum(map(is_blank, texts))
        assert corpus.characters == sum(len(document.text) for document in full)
        assert [corpus.name_of(document.number) for document in full] == [document.name for document in full]
        places = st.integers(0, len(texts))
        for _ in range(4):  # one after another, so that a reading begins where the one before it stopped
            first, stop, taken = data.draw(places), data.draw(places | st.none()), data.draw(places)
            wanted = [d for d in full if d.number >= first and (stop is None or d.number < stop)]
            assert list(islice(corpus.read(first, stop), taken)) == wanted[:taken]
            assert list(corpus.read(first, stop)) == wanted


def test_two_readings_at_once_do_not_disturb_each_other(tmp_path: Path) -> None:
    corpus = opened(write_jsonl(tmp_path / "x.jsonl.gz", [f"text {number}" for number in range(20)]))
    pairs = list(zip(corpus.read(3), corpus.read(5), strict=False))
    assert [(one.number, other.number) for one, other in pairs] == [(n, n + 2) for n in range(3, 18)]
    assert [document.number for document in corpus.read(4, 6)] == [4, 5]


def test_names_are_files_lines_and_rows(tmp_path: Path) -> None:
    folder = tmp_path / "tales"
    (folder / "old").mkdir(parents=True)
    (folder / "old" / "fox.txt").write_text("A fox.")
    write_jsonl(folder / "new.jsonl", ["One.", "Two."])
    corpus = opened(folder, write_parquet(tmp_path / "x.parquet", ["Row."]))
    names = ["tales/new.jsonl:1", "tales/new.jsonl:2", "tales/old/fox.txt", "x.parquet:1"]
    assert [document.name for document in corpus.read()] == names
    assert list(map(corpus.name_of, range(4))) == names
    kept = Inventory.from_plain(corpus.inventory.to_plain())
    assert list(map(kept.name_of, range(4))) == names  # without the files
    for number in (-1, 4):
        with pytest.raises(IndexError):
            corpus.name_of(number)


def test_a_text_file_loses_its_mark_its_carriage_returns_and_its_final_line_ends(tmp_path: Path) -> None:
    (tmp_path / "x.txt").write_bytes(b"\xef\xbb\xbfOne.\r\n\r\nTwo.\r\n\r\n")
    assert list(opened(tmp_path / "x.txt").read()) == [Document(0, "x.txt", "One.\n\nTwo.")]
    by_line = list(opened(tmp_path / "x.txt", per_line=True).read())
    assert by_line == [Document(0, "x.txt:1", "One."), Document(2, "x.txt:3", "Two.")]


def test_a_record_may_be_null_have_numbers_that_are_none_and_follow_a_blank_line(tmp_path: Path) -> None:
    (tmp_path / "x.jsonl").write_text('\ufeff{"text": "One."}\r\n\n{"text": null}\n{"score": NaN, "text": "Two."}')
    corpus = opened(tmp_path / "x.jsonl")
    assert [(document.name, document.text) for document in corpus.read()] == [
        ("x.jsonl:1", "One."),
        ("x.jsonl:4", "Two."),
    ]
    assert (corpus.documents, corpus.inventory.blank) == (4, 2)
    assert [document.text for document in opened(write_parquet(tmp_path / "x.parquet", [None, "Three."])).read()] == [
        "Three."
    ]


@pytest.mark.parametrize("field", [None, "body"])
def test_the_text_is_the_member_named_text_or_the_only_text_or_the_one_that_is_named(
    tmp_path: Path, field: str | None
) -> None:
    (tmp_path / "only.jsonl").write_text('{"id": 1, "body": "Only."}\n')
    assert [document.text for document in opened(tmp_path / "only.jsonl", field=field).read()] == ["Only."]
    both = write_jsonl(tmp_path / "both.jsonl", ["Text."], body="Body.", title="Title.")
    assert [document.text for document in opened(both, field=field).read()] == ["Text." if field is None else "Body."]


def test_packing_is_told_by_bytes(tmp_path: Path) -> None:
    """Some downloads unpack a file and leave its name, others pack it under the name of its content."""
    (tmp_path / "unpacked.jsonl.gz").write_text('{"text": "Unpacked."}\n')
    (tmp_path / "packed.jsonl").write_bytes(packed(b'{"text": "Packed."}\n', "zst"))
    assert [document.text for document in opened(tmp_path).read()] == ["Packed.", "Unpacked."]


def test_streams_put_behind_each_other_are_one(tmp_path: Path) -> None:
    line = b'{"text": "One."}\n'
    for ending in ("gz", "zst"):
        path = tmp_path / f"x.jsonl.{ending}"
        path.write_bytes(packed(line, ending) + packed(line * 2, ending))
        assert opened(path).documents == 3
    skipped = b"\x50\x2a\x4d\x18\x04\0\0\0size"  # a frame for programs that unpack in parallel
    path.write_bytes(skipped + packed(line, "zst") + skipped + packed(line, "zst"))
    assert opened(path).documents == 2


@pytest.mark.parametrize("kind", [pyarrow.large_string(), pyarrow.dictionary(pyarrow.int32(), pyarrow.string())])
def test_a_column_of_texts_may_be_of_several_types(tmp_path: Path, kind: pyarrow.DataType) -> None:
    column = pyarrow.array(["One.", None, "Two.", "One."], pyarrow.string()).cast(kind)
    pyarrow.parquet.write_table(pyarrow.table({"a.b": column, "n": [1, 2, 3, 4]}), tmp_path / "x.parquet")
    assert [document.text for document in opened(tmp_path / "x.parquet").read()] == ["One.", "Two.", "One."]
