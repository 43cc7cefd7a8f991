"""Which files a source names: in the same order everywhere, each once, or an error that helps."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from support.corpus_files import CORPUS_KINDS, opened, refused, write_jsonl, written_corpus

from mechamap.config.corpus_settings import CorpusSettings
from mechamap.corpus.finding import find_files
from mechamap.corpus.opening import open_corpus
from mechamap.corpus.source_files import FileKind
from mechamap.errors import Cancelled


def texts(folder: Path, *names: str) -> Path:
    """A folder of text files, each of which holds its own name."""
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(f"This is {name}.")
    return folder


def names(*sources: Path) -> list[str]:
    return [file.name for file in find_files([str(source) for source in sources], per_line=False)]


def test_a_folder_is_sorted_by_path_and_hidden_and_other_files_are_left_out(tmp_path: Path) -> None:
    folder = texts(
        tmp_path / "tales", "b.txt", "a.txt", "a/z.txt", "B.TXT", "ä.txt", ".hidden.txt", ".git/a.txt", "notes.md"
    )
    os.mkfifo(folder / "pipe.txt")
    assert names(folder) == ["tales/B.TXT", "tales/a/z.txt", "tales/a.txt", "tales/b.txt", "tales/ä.txt"]


def test_a_hidden_folder_that_is_named_is_read(tmp_path: Path) -> None:
    assert names(texts(tmp_path / ".cache", "a.txt")) == [".cache/a.txt"]


def test_kinds_are_told_by_name_in_any_case(tmp_path: Path) -> None:
    folder = texts(tmp_path / "x", "a.JSONL.GZ", "b.ndjson", "c.Parquet", "d.txt.zst", "e.txt")
    kinds = [file.kind for file in find_files([str(folder)], per_line=True)]
    assert kinds == [
        FileKind.JSON_LINES, FileKind.JSON_LINES, FileKind.PARQUET, FileKind.TEXT_LINES, FileKind.TEXT_LINES
    ]  # fmt: skip


def test_links_that_lead_in_circles_are_followed_once(tmp_path: Path) -> None:
    folder = texts(tmp_path / "x", "a/one.txt", "b/two.txt")
    (folder / "a" / "up").symlink_to(folder)
    (folder / "b" / "self").symlink_to(folder / "b")
    (folder / "again").symlink_to(folder / "b")
    (folder / "z.txt").symlink_to(folder / "a" / "one.txt")
    (folder / "loop").symlink_to(folder / "loop")
    assert names(folder) == ["x/a/one.txt", "x/again/two.txt"]


def test_a_folder_outside_is_reached_by_a_link(tmp_path: Path) -> None:
    outside, folder = texts(tmp_path / "outside", "one.txt"), texts(tmp_path / "x", "two.txt")
    (folder / "link").symlink_to(outside)
    assert names(folder) == ["x/link/one.txt", "x/two.txt"]


def test_a_link_that_leads_nowhere_is_named(tmp_path: Path) -> None:
    folder = texts(tmp_path / "x", "a.txt")
    (folder / "b.txt").symlink_to(tmp_path / "gone.txt")
    message, hint = refused(folder)
    assert message == f"{folder}/b.txt leads nowhere." and hint == "Check it, or take it out of the folder."


@pytest.mark.parametrize("by", ["same", "folder", "link", "dots"])
def test_a_file_that_two_sources_name_is_refused(tmp_path: Path, by: str) -> None:
    folder = texts(tmp_path / "x", "a.txt")
    (tmp_path / "link.txt").symlink_to(folder / "a.txt")
    other = {
        "same": folder / "a.txt", "folder": folder, "link": tmp_path / "link.txt", "dots": folder / ".." / "x" / "a.txt"
    }[by]  # fmt: skip
    message, hint = refused(folder / "a.txt", other)
    assert f"a.txt and by {other}." in message.replace(f"{folder}/a.txt", "a.txt") or str(other) in message
    assert "is given twice" in message and "would count twice" in hint


def test_sources_of_the_same_name_are_told_apart_by_as_much_as_it_takes(tmp_path: Path) -> None:
    one, two = texts(tmp_path / "one" / "data", "x.txt"), texts(tmp_path / "two" / "data", "x.txt")
    assert names(one, two, texts(tmp_path / "other", "x.txt")) == ["one/data/x.txt", "two/data/x.txt", "other/x.txt"]
    assert names(one / "x.txt", two / "x.txt") == ["one/data/x.txt", "two/data/x.txt"]


def test_a_source_may_be_the_folder_one_is_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(texts(tmp_path / "tales", "a.txt"))
    assert names(Path()) == ["tales/a.txt"]


def test_a_name_that_is_not_utf8_is_spelled_out(tmp_path: Path) -> None:
    path = os.fsencode(tmp_path) + b"/caf\xe9.txt"
    try:
        Path(os.fsdecode(path)).write_text("A cat.")
    except OSError:
        pytest.skip("this file system has no such names")
    corpus = opened(tmp_path)
    assert [document.name for document in corpus.read()] == [f"{tmp_path.name}/caf\\xe9.txt"]


def test_a_path_that_is_not_there_is_answered_by_the_nearest_that_is(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "stories.jsonl", ["One."])
    assert refused(tmp_path / "storys.jsonl") == (
        f"The corpus {tmp_path}/storys.jsonl does not exist.",
        f"Did you mean {tmp_path}/stories.jsonl?",
    )
    texts(tmp_path / "tales", "a.txt")
    assert refused(tmp_path / "tale" / "a.txt")[1] == f"Did you mean {tmp_path}/tales?"
    assert refused(tmp_path / "stories.jsonl" / "x")[0] == f"The corpus {tmp_path}/stories.jsonl/x does not exist."
    assert refused("nobody/nothing")[1] == "Check the path; a data set on the hub is given as hf:nobody/nothing."
    assert refused("")[0] == "The corpus '' does not exist."
    assert refused("\0")[0] == "The corpus \\x00 does not exist."
    for length in (300, 5000):
        message, _ = refused("a" * length)
        assert "cannot be read: File name too long" in message and len(message) < 400


@pytest.mark.parametrize("name", ["x.csv", "x.json", "x.txt.xz", "x.zip", "x", "x.gz"])
def test_a_file_of_another_kind_is_refused_with_the_kinds_there_are(tmp_path: Path, name: str) -> None:
    texts(tmp_path, name)
    message, hint = refused(tmp_path / name)
    assert message == (
        f"{tmp_path}/{name} is of a kind that is not read; .txt, .jsonl, either of them packed as .gz or .zst, "
        "or .parquet are."
    )
    assert "JSON Lines" in hint


def test_a_folder_without_such_files_and_a_pipe_are_refused(tmp_path: Path) -> None:
    texts(tmp_path / "x", "a.md", ".b.txt")
    assert refused(tmp_path / "x")[0].startswith(f"The folder {tmp_path}/x has no file that is read: .txt, ")
    os.mkfifo(tmp_path / "pipe.txt")
    assert refused(tmp_path / "pipe.txt")[0] == f"{tmp_path}/pipe.txt is neither a file nor a folder."


def test_no_source_and_data_sets_of_the_hub_in_other_places_are_refused(tmp_path: Path) -> None:
    texts(tmp_path, "a.txt")
    assert refused()[0] == "No corpus is given."
    for sources in (["hf:a/b", "hf:c/d"], ["hf:a/b", tmp_path / "a.txt"]):
        assert refused(*sources)[0].startswith("Only one data set of the hub can be read, as the last source")


@pytest.mark.parametrize("kind", CORPUS_KINDS)
def test_what_listens_to_the_progress_can_end_it(tmp_path: Path, kind: str) -> None:
    def stopped(_: object) -> None:
        raise Cancelled("Stopped.")

    with pytest.raises(Cancelled):
        open_corpus(written_corpus(tmp_path, kind, ["One.", "Two.", "Three."]), stopped)


def test_progress_tells_files_and_bytes(tmp_path: Path) -> None:
    folder = texts(tmp_path / "x", "a.txt", "b.txt")
    heard = []
    open_corpus(CorpusSettings((str(folder),)), heard.append)
    assert [(event.name, event.file, event.files) for event in heard] == [("x/a.txt", 0, 2), ("x/b.txt", 1, 2)]
    assert [event.bytes_read for event in heard] == [14, 28] and heard[0].bytes_total == 28
