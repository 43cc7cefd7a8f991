"""Files that are something else than what they are given for."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import pickle
import tarfile
import zipfile
from pathlib import Path

import pytest
import yaml
from support.recorded_run import recorded_run

from mechamap.catalog.source import resolve
from mechamap.config import yaml_reading
from mechamap.config.yaml_reading import from_yaml, read_config_file
from mechamap.errors import ConfigError, ModelNotFound, RunError, TextError
from mechamap.runs.run import Run
from mechamap.system.content import why_not_text
from mechamap.system.text_files import decoded

TEXT = "The dog ate bread.\nA cat sat – near Köln.\n" * 9
JAPANESE = "犬はパンを食べた。\n猫は座った。\n" * 9
RUSSIAN = "Собака ест хлеб. Кошка спит.\n" * 9


def refused(data: bytes) -> tuple[str, str]:
    """What is said of a text file with these bytes, and the hint."""
    with pytest.raises(TextError) as caught:
        decoded(data, "FILE")
    return caught.value.message, str(caught.value.hint)


@pytest.mark.kind("text_in_utf16")
@pytest.mark.parametrize("text", [TEXT, JAPANESE, RUSSIAN], ids=["Latin", "Japanese", "Russian"])
@pytest.mark.parametrize("encoding", ["utf-16", "utf-32", "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
def test_utf16_and_utf32_are_named_with_the_line_that_converts_them(text: str, encoding: str) -> None:
    message, hint = refused(text.encode(encoding))
    assert message.startswith(f"FILE is text in {encoding[:6].upper()}")
    spelled = encoding if len(encoding) == 6 else encoding[:6] + encoding[7:]
    assert hint == f"Convert it: iconv -f {spelled} -t utf-8 FILE > NEW"


@pytest.mark.kind("text_in_utf16")
def test_a_big_endian_mark_is_enough_for_iconv() -> None:
    assert "iconv -f utf-16 -t" in refused(b"\xfe\xff" + TEXT.encode("utf-16-be"))[1]


@pytest.mark.kind("text_in_an_old_encoding")
@pytest.mark.parametrize(
    ("data", "hint"),
    [
        ("Äpfel und Käse aus Köln".encode("windows-1252"), "iconv -f windows-1252 -t utf-8"),
        (RUSSIAN.encode("koi8-r"), "windows-1251 or koi8-r"),
        (JAPANESE.encode("shift_jis"), "shift_jis or euc-jp"),
        (("Größe, Äpfel, Öl, süß. " * 3).encode() + b"caf\xe9 here", "mend that line"),
    ],
)
def test_other_encodings_are_told_by_their_runs_of_letters(data: bytes, hint: str) -> None:
    message, advice = refused(data)
    assert message.startswith("FILE is not UTF-8: byte 0x")
    assert hint in advice


@pytest.mark.kind("text_cut_within_a_character")
def test_a_text_that_ends_within_a_character_is_not_taken_for_latin1() -> None:
    message, hint = refused("Wir gehen über die Brücke nach Köln ü".encode()[:-1])
    assert message.startswith("FILE is cut short within its last character in line 1")
    assert "iconv" not in hint


def archive(**members: str) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as zipped:
        for name, content in members.items():
            zipped.writestr(name, content)
    return made.getvalue()


def tar(name: str, content: bytes) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as packed:
        member = tarfile.TarInfo(name)
        member.size = len(content)
        packed.addfile(member, io.BytesIO(content))
    return made.getvalue()


@pytest.mark.kind("other_file_given_as_text")
@pytest.mark.parametrize(
    ("data", "what", "hint"),
    [
        (gzip.compress(TEXT.encode(), mtime=0), "a file packed with gzip", "gzip -dc"),
        (lzma.compress(TEXT.encode()), "a file packed with xz", "xz -dc"),
        (bz2.compress(TEXT.encode()), "a file packed with bzip2", "bzip2 -dc"),
        (archive(**{"a.txt": TEXT}), "a zip archive", "unzip"),
        (archive(**{"[Content_Types].xml": "", "word/document.xml": TEXT}), "a Word document", "pandoc"),
        (archive(**{"xl/workbook.xml": ""}), "an Excel workbook", "CSV"),
        (tar("a.txt", TEXT.encode()), "a tar archive", "tar -xf"),
        (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n", "a PDF", "pdftotext"),
        (b"%PDF-1.4\n1 0 obj\n<< /Type /Catalog >>\n", "a PDF", "pdftotext"),
        (b"{\\rtf1\\ansi The dog ate.}", "a document in RTF", "pandoc"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "a picture (PNG)", "tesseract"),
        (b"\xff\xd8\xff\xe0\0\x10JFIF", "a picture (JPEG)", "tesseract"),
        (b"RIFF\x24\0\0\0WEBPVP8 ", "a picture (WebP)", "tesseract"),
        (b"PAR1\x15\x04\x15\x10", "a Parquet file", "pandas"),
        (b"SQLite format 3\0\x10\0", "an SQLite database", "sqlite3"),
        (b"GGUF\x03\0\0\0", "a model in GGUF", "as the model"),
        (b'\x93\0\0\0\0\0\0\0{"a":', "a file of weights in safetensors", "plain text"),
        (pickle.dumps({"a": [1.5]}), "a Python pickle", "plain text"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 3\n", "a Git LFS pointer", "git lfs pull"),
        (bytes(range(256)), "binary data", "plain text"),
        (b"The dog\0 ate bread and more.", "binary data", "plain text"),
    ],
)
def test_a_file_of_another_kind_is_named_with_the_way_to_its_text(data: bytes, what: str, hint: str) -> None:
    message, advice = refused(data)
    assert what in message
    assert hint in advice


@pytest.mark.kind("text_about_a_format")
@pytest.mark.parametrize(
    "text",
    ["GGUF is a format of models.", "MZ are two letters.", "PAR1", "BZh", "ID3 tags name songs.", "RIFF, a word", TEXT,
     "\ufeff" + JAPANESE, "PKZIP packed files.", "It costs 5 €\f\n", "\x1b[1mbold\x1b[0m and\ttabs"],
)  # fmt: skip
def test_text_that_begins_with_the_letters_of_a_format_is_text(text: str) -> None:
    assert why_not_text(text.encode()) is None


@pytest.mark.kind("config_that_is_no_utf8")
@pytest.mark.parametrize(
    ("data", "said", "hint"),
    [
        ("window: 9\n".encode("utf-16"), "text in UTF-16", "iconv -f utf-16 "),
        ("window: 9\n".encode("utf-16-le"), "text in UTF-16 without a byte order mark", "iconv -f utf-16le "),
        (gzip.compress(b"window: 9\n", mtime=0), "packed with gzip", "gzip -dc"),
        (b"window: 9 # Gr\xfc\xdfe", ":1:15: not UTF-8: byte 0xfc", "windows-1252"),
    ],
)
def test_a_config_in_another_encoding_is_named(tmp_path: Path, data: bytes, said: str, hint: str) -> None:
    (tmp_path / "config.yaml").write_bytes(data)
    with pytest.raises(ConfigError) as caught:
        read_config_file(tmp_path / "config.yaml")
    assert said in caught.value.message
    assert hint in str(caught.value.hint)


@pytest.mark.kind("tabs_in_yaml")
@pytest.mark.parametrize("loader", ["CSafeLoader", "SafeLoader"])
@pytest.mark.parametrize(
    "text",
    [
        "a:\n\tb: 1", "a:\n  \tb: 1", "a:\n  b: 1\n\tc: 2", "a:\n  b: 1\n  \tc: 2", "\ta: 1", "a:\n\t- x",
        "a:\n  - x\n\t- y", "a: x\n\ty", "a: |\n\tx", "a:\n -\tx", "- a\n-\tb", "a:\n  words:\n  \t- x", "? \ta\n: b",
    ],
)  # fmt: skip
def test_tabs_that_yaml_does_not_take_are_named(monkeypatch: pytest.MonkeyPatch, text: str, loader: str) -> None:
    monkeypatch.setattr(yaml_reading, "_LOADER", getattr(yaml, loader, yaml.SafeLoader))
    with pytest.raises(ConfigError) as caught:
        from_yaml(text, "config.yaml")
    assert "a tab where YAML wants spaces" in caught.value.message
    assert caught.value.hint == "YAML is indented with spaces; replace the tab."


@pytest.mark.kind("no_break_spaces_in_yaml")
def test_a_key_behind_a_no_break_space_is_named_as_such() -> None:
    with pytest.raises(ConfigError) as caught:
        from_yaml("categories:\n\u00a0\u00a0food: [bread]\n", "config.yaml")
    assert caught.value.message.startswith("config.yaml:2:1: a key that begins with a blank of another kind (U+00A0)")


@pytest.mark.kind("open_quotes_in_yaml")
@pytest.mark.parametrize(
    ("text", "hint"),
    [("a: 'x", "quotation mark"), ("a: [x", "bracket"), ("a: {x: 1", "bracket"), ("a: @x", "Put quotes around it.")],
)
def test_what_is_open_or_unquoted_is_told_from_wrong_indentation(text: str, hint: str) -> None:
    with pytest.raises(ConfigError) as caught:
        from_yaml(text, "config.yaml")
    assert hint in str(caught.value.hint)


@pytest.mark.kind("run_under_git_lfs")
@pytest.mark.parametrize("name", ["run.json", "max.npy"])
def test_a_pointer_in_place_of_a_file_of_a_run_is_named(tmp_path: Path, name: str) -> None:
    recorded_run(tmp_path / "run")
    (tmp_path / "run" / name).write_bytes(b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 3\n")
    with pytest.raises(RunError) as caught:
        Run.open(tmp_path / "run").figure("max")
    assert caught.value.message == f"{tmp_path / 'run' / name} is only a Git LFS pointer, not what the run keeps there."
    assert "git lfs pull" in str(caught.value.hint)


@pytest.mark.kind("run_under_git_lfs")
@pytest.mark.parametrize(("data", "said"), [(b"", "is empty"), (b"\0" * 99, "zeros"), (b"other", "is damaged")])
def test_a_damaged_figure_is_not_advised_to_be_unpickled(tmp_path: Path, data: bytes, said: str) -> None:
    recorded_run(tmp_path / "run")
    (tmp_path / "run" / "max.npy").write_bytes(data)
    with pytest.raises(RunError) as caught:
        Run.open(tmp_path / "run").figure("max")
    assert said in caught.value.message
    assert "pickle" not in caught.value.message
    assert caught.value.hint == "Copy the run again, or scan again."
    (tmp_path / "run" / "max.npy").unlink()
    with pytest.raises(RunError, match="No such file") as caught:
        Run.open(tmp_path / "run").figure("max")
    assert "Copy the whole folder" in str(caught.value.hint)


@pytest.mark.kind("other_file_given_as_model")
@pytest.mark.parametrize(
    ("name", "hint"),
    [("mine.yaml", "--config"), ("words.txt", "--text"), ("results.csv", "mechamap-tui"), ("other.bin", "hub id")],
)
def test_a_file_given_as_the_model_is_told_where_it_belongs(tmp_path: Path, name: str, hint: str) -> None:
    (tmp_path / name).write_text("a")
    with pytest.raises(ModelNotFound) as caught:
        resolve(str(tmp_path / name))
    assert hint in str(caught.value.hint)
