"""What cannot be read is refused with its file and line, before anything is read of the corpus in earnest."""

from __future__ import annotations

import builtins
import os
import random
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, cast
from unittest.mock import patch

import pyarrow
import pyarrow.parquet
import pytest
from support.corpus_files import opened, packed, refused, write_jsonl, write_parquet

from mechamap.config.corpus_settings import CorpusSettings
from mechamap.corpus.json_lines import json_texts
from mechamap.corpus.opening import open_corpus
from mechamap.corpus.source_files import FileKind, SourceFile
from mechamap.errors import CorpusError, MissingExtra

LINES = [f'{{"text": "A line with the number {number}."}}\n' for number in range(3000)]


def written(folder: Path, name: str, data: bytes | str) -> Path:
    path = folder / name
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


def with_line(number: int, line: str) -> str:
    """3,000 good lines, one of which, counted from 1, is another."""
    return "".join([*LINES[: number - 1], line + "\n", *LINES[number:]])


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ('{"txt": "Elsewhere."}', 'has no "text"; it has "txt"'),
        ("{}", 'has no "text"; it has no members'),
        ('{"text": 7}', '"text" is a number, not a text'),
        ('{"text": ["a"]}', '"text" is a list, not a text'),
        ('{"text": true}', '"text" is a truth value, not a text'),
        ('["text"]', "is a list, not an object"),
        ("null", "is null, not an object"),
        ('{"text": "cut', "is not JSON: Unterminated string"),
        ("A line of a text.", "is not JSON: Expecting value, at character 1"),
        ('{"text": "a"} {"text": "b"}', "is not JSON: Extra data, at character 15"),
        ('{"text": "\\ud83d"}', '"text" has half of a surrogate pair, \\ud83d'),
        ('{"x": ' + "[" * 99_999, "is JSON of a kind that is not read"),
        ('{"n": ' + "9" * 9_999 + ', "text": 1}', "is JSON of a kind that is not read"),
    ],
    ids=range(13),
)
@pytest.mark.parametrize("ending", ["", ".gz", ".zst"])
def test_a_line_that_is_no_record_with_a_text_is_named(tmp_path: Path, line: str, what: str, ending: str) -> None:
    data = with_line(1204, line).encode()
    path = written(tmp_path, f"x.jsonl{ending}", packed(data, ending[1:]) if ending else data)
    message, hint = refused(path)
    assert message.startswith(f"{path}:1204") and what in message and hint


def test_the_nearest_member_is_offered(tmp_path: Path) -> None:
    message, hint = refused(write_jsonl(tmp_path / "x.jsonl", ["One."], content="Two."), field="contents")
    assert message == f'{tmp_path}/x.jsonl:1 has no "contents"; it has "id", "text", "content".'
    assert hint == "Did you mean --field content?"


def test_several_texts_or_none_are_listed(tmp_path: Path) -> None:
    message, hint = refused(written(tmp_path, "x.jsonl", '{"title": "a", "id": 1, "body": "b"}\n'))
    assert message.endswith('x.jsonl:1 has several members that are texts: "title", "body".')
    assert hint == "Say which one to read with --field title."
    message, _ = refused(written(tmp_path, "x.jsonl", '{"id": 1}\n'))
    assert message.endswith('x.jsonl:1 has "id", none of which is a text.')


def test_names_of_members_cannot_steer_a_terminal(tmp_path: Path) -> None:
    message, hint = refused(written(tmp_path, "x.jsonl", '{"a\\u001b[2J": "x", "b\\ud800\\u202e": "y"}\n'))
    assert all(part.isprintable() for part in (message, hint))
    message.encode()


@pytest.mark.parametrize(
    ("name", "data", "what"),
    [
        ("x.jsonl", b'{"text": "a"}\n{"text": "caf\xe9 au lait"}\n', ":2 is not UTF-8: byte 0xe9, the 14. of the line"),
        ("x.txt", b"One.\nTwo caf\xe9s.\n", ":2 is not UTF-8: byte 0xe9"),
        ("x.txt.gz", packed(b"One.\nTwo caf\xe9s.\n", "gz"), ":2 is not UTF-8: byte 0xe9"),
        ("x.jsonl", b'{"text": "a"}\n{"text": "\0"}\n', ":2 has a NUL character"),
    ],
)
@pytest.mark.parametrize("per_line", [False, True])
def test_bytes_that_are_not_utf8_are_named_with_their_line(
    tmp_path: Path, name: str, data: bytes, what: str, per_line: bool
) -> None:
    path = written(tmp_path, name, data)
    message, hint = refused(path, per_line=per_line)
    assert message.startswith(f"{path}{what}") and hint


@pytest.mark.parametrize("name", ["x.jsonl", "x.txt", "x.txt.gz", "x.jsonl.zst"])
@pytest.mark.parametrize(
    ("data", "what"),
    [
        ("Zwölf Füchse.\n".encode("utf-16"), "text in UTF-16"),
        (b"%PDF-1.7 \x00\x01", "a PDF"),
        (b"PK\x03\x04word/document.xml", "a Word document"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "a Git LFS pointer"),
    ],
)
@pytest.mark.parametrize("per_line", [False, True])
def test_files_of_other_formats_are_named(tmp_path: Path, name: str, data: bytes, what: str, per_line: bool) -> None:
    ending = Path(name).suffix[1:]
    message, hint = refused(
        written(tmp_path, name, packed(data, ending) if ending in ("gz", "zst") else data), per_line=per_line
    )
    assert what in message and hint


@pytest.mark.parametrize("ending", ["gz", "zst"])
@pytest.mark.parametrize("kind", ["jsonl", "txt"])
def test_a_packed_file_cut_in_the_middle_is_named_with_its_line(tmp_path: Path, kind: str, ending: str) -> None:
    rng = random.Random(0)
    whole = packed("".join(f'{{"text": "{rng.randbytes(100).hex()}"}}\n' for _ in range(3000)).encode(), ending)
    path = tmp_path / f"x.{kind}.{ending}"
    for cut in (5, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:cut])
        message, hint = refused(path)
        match = re.match(rf"{re.escape(str(path))}:(\d+): the file is cut short", message)
        assert match is not None and hint == "Get the whole file."
        assert (int(match[1]) > 100) == (cut > 5)  # of zstd, a block of up to 128 kB is lost


@pytest.mark.parametrize("ending", ["gz", "zst"])
def test_a_packed_file_whose_beginning_is_damaged_is_named(tmp_path: Path, ending: str) -> None:
    whole = bytearray(packed("".join(LINES).encode(), ending))
    whole[0] ^= 0xFF
    message, _ = refused(written(tmp_path, f"x.jsonl.{ending}", bytes(whole)))
    assert message.endswith("is named as packed, but its first bytes are neither gzip nor zstd.")


@pytest.mark.parametrize("name", ["x.jsonl", "x.jsonl.gz", "x.txt", "x.txt.zst", "x.parquet"])
@pytest.mark.parametrize("per_line", [False, True])
def test_lines_and_documents_have_a_longest_length(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, per_line: bool
) -> None:
    for module in ("lines", "parquet_files"):
        monkeypatch.setattr(f"mechamap.corpus.{module}.LARGEST_DOCUMENT", 4_000_000)
    for length, fits in ((3_999_000, True), (4_000_001, False)):
        text, path = "word " * (length // 5) + "." * (length % 5), tmp_path / name
        if name.endswith("parquet"):
            write_parquet(path, ["Short.", text])
        elif "jsonl" in name:
            write_jsonl(path, ["Short.", text])
        else:
            path.write_bytes(packed(text.encode(), "zst") if name.endswith("zst") else text.encode())
        if fits:
            assert [len(document.text) for document in opened(path, per_line=per_line).read()][-1] == length
        else:
            assert "of more than 4.0 MB" in refused(path, per_line=per_line)[0]


def test_a_bomb_takes_no_more_than_its_longest_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mechamap.corpus.lines.LARGEST_DOCUMENT", 3_000_000)
    for ending in ("gz", "zst"):
        path = written(tmp_path, f"x.jsonl.{ending}", packed(b"\n" + bytes([32]) * 50_000_000, ending))
        assert refused(path)[0] == f"{path}:2 is a line of more than 3.0 MB."


def _no_column(path: Path) -> None:
    pyarrow.parquet.write_table(pyarrow.table({"id": [1], "score": [0.5]}), path)


def _two_columns(path: Path) -> None:
    pyarrow.parquet.write_table(pyarrow.table({"id": [1], "title": ["a"], "body": ["b"]}), path)


def _not_utf8(path: Path) -> None:
    binary = pyarrow.array([b"fine", b"caf\xe9"], pyarrow.binary())
    text = pyarrow.Array.from_buffers(pyarrow.string(), 2, binary.buffers())
    pyarrow.parquet.write_table(pyarrow.table({"text": text}), path)


def _cut(path: Path) -> None:
    write_parquet(path, ["One."] * 50)
    path.write_bytes(path.read_bytes()[:-30])


@pytest.mark.parametrize(
    ("make", "what"),
    [
        (_no_column, ' has "id", "score", none of which is a text.'),
        (_two_columns, ' has several members that are texts: "title", "body".'),
        (_not_utf8, ":2 is not UTF-8."),
        (_cut, " is not Parquet, or damaged: "),
        (lambda path: path.write_text("Only text."), " is not Parquet, or damaged: "),
        (lambda path: path.write_bytes(b""), " is empty."),
    ],
)
def test_parquet_without_text_or_damaged_is_named(tmp_path: Path, make: Callable[[Path], object], what: str) -> None:
    make(tmp_path / "x.parquet")
    message, hint = refused(tmp_path / "x.parquet")
    assert message.startswith(f"{tmp_path}/x.parquet{what}") and hint


def test_a_column_that_is_not_of_texts_is_named_with_those_that_are(tmp_path: Path) -> None:
    message, hint = refused(write_parquet(tmp_path / "x.parquet", ["One."]), field="id")
    assert message.endswith('the column "id" is of int64, not of texts.')
    assert hint == "Say which one to read with --field text."


def test_a_member_named_text_is_meant_even_where_it_is_none_and_others_are(tmp_path: Path) -> None:
    path = written(tmp_path, "x.jsonl", '{"text": null, "title": "a"}\n{"text": "b", "title": "c"}\n')
    assert [document.text for document in opened(path).read()] == ["b"]
    message, hint = refused(written(tmp_path, "x.jsonl", '{"text": ["a"], "title": "a"}\n'))
    assert message == f'{path}:1: "text" is a list, not a text.' and hint == "Say which one to read with --field title."
    pyarrow.parquet.write_table(pyarrow.table({"text": [["a"]], "title": ["a"]}), tmp_path / "x.parquet")
    message, hint = refused(tmp_path / "x.parquet")
    assert message.endswith('the column "text" is of list<element: string>, not of texts.')
    assert hint == "Say which one to read with --field title."


def test_a_web_page_and_an_address_are_told_as_such(tmp_path: Path) -> None:
    path = written(tmp_path, "x.jsonl", "<!DOCTYPE html>\n<html></html>\n")
    assert refused(path) == (f"{path} is a web page.", "Download the file itself.")
    message, hint = refused("https://example.org/x.jsonl")
    assert message == "https://example.org/x.jsonl is an address; a corpus is read from files."
    assert hint == "Download it first."


@pytest.mark.parametrize("name", ["x.txt", "x.jsonl", "x.jsonl.gz", "x.parquet"])
def test_a_corpus_without_text_is_refused(tmp_path: Path, name: str) -> None:
    if name.endswith("parquet"):
        write_parquet(tmp_path / name, ["", None])
    else:
        written(tmp_path, name, b"" if name.endswith("gz") else b" \n\n")
    assert "has no text" in refused(tmp_path / name)[0]


def test_a_file_that_may_not_be_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path, "x.jsonl", LINES[0])
    path.chmod(0)
    if os.access(path, os.R_OK):  # the superuser may read everything

        def denied(*_: object) -> None:
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr("io.FileIO", denied)
    message, hint = refused(path)
    assert message == f"{path} cannot be read: Permission denied." and hint == "Check the file and its rights."


@pytest.mark.parametrize(
    ("name", "package"), [("x.jsonl.zst", "pyarrow"), ("x.parquet", "pyarrow"), ("hf:a/b", "datasets")]
)
def test_a_missing_package_is_named_with_the_extra_that_brings_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, package: str
) -> None:
    written(tmp_path, "x.jsonl.zst", packed(b"{}", "zst"))
    write_parquet(tmp_path / "x.parquet", ["One."])
    real = builtins.__import__

    def without(wanted: str, *args: object, **kwargs: object) -> object:
        if wanted.partition(".")[0] == package:
            raise ImportError(wanted)
        return real(wanted, *args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(builtins, "__import__", without)
    for module in [module for module in sys.modules if module.partition(".")[0] == package]:
        monkeypatch.delitem(sys.modules, module)
    source = name if name.startswith("hf:") else str(tmp_path / name)
    with pytest.raises(MissingExtra) as caught:
        open_corpus(CorpusSettings((source,)))
    assert f"needs the package {package}, which is not installed" in caught.value.message
    assert caught.value.hint == "Install it: pip install 'mechamap[corpus]'"


def test_what_the_system_says_in_the_middle_of_a_file_is_told_with_the_line(tmp_path: Path) -> None:
    class Failing:
        def __init__(self) -> None:
            self.blocks = iter(["".join(LINES[first : first + 10]).encode() for first in (0, 10, 20)])

        def read(self, size: int) -> bytes:
            for block in self.blocks:
                return block
            raise OSError(5, "Input/output error")

    file = SourceFile(tmp_path / "x.jsonl", "x.jsonl", FileKind.JSON_LINES)
    with pytest.raises(CorpusError, match=r"x\.jsonl:31 cannot be read: Input/output error"):
        list(json_texts(file, cast(BinaryIO, Failing()), "text"))


def test_a_folder_that_may_not_be_read_is_named(tmp_path: Path) -> None:
    with patch("os.scandir", side_effect=PermissionError(13, "Permission denied")):
        message, hint = refused(tmp_path)
    assert message == f"The folder {tmp_path} cannot be read: Permission denied." and hint == "Check its rights."
