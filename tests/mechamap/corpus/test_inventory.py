"""What is known of a corpus is kept, and told from what its files have become."""

from __future__ import annotations

import copy
import json
import os
import random
import shutil
from pathlib import Path
from typing import Any

import pytest
from support.corpus_files import CORPUS_KINDS, opened, write_jsonl, write_parquet, written_corpus
from support.damage import damaged_json

from mechamap.config.corpus_settings import CorpusSettings
from mechamap.corpus.corpus import Corpus
from mechamap.corpus.inventory import Inventory
from mechamap.corpus.opening import open_corpus
from mechamap.errors import CorpusError

TEXTS = [f"The text with the number {number}." for number in range(40)]


def through_json(inventory: Inventory) -> Inventory:
    return Inventory.from_plain(json.loads(json.dumps(inventory.to_plain())))


def reopened(settings: CorpusSettings, corpus: Corpus) -> Corpus:
    return open_corpus(settings, inventory=through_json(corpus.inventory))


@pytest.mark.parametrize("kind", CORPUS_KINDS)
def test_a_kept_inventory_is_as_good_as_a_reading(tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = written_corpus(tmp_path, kind, TEXTS)
    corpus = open_corpus(settings)
    assert through_json(corpus.inventory) == corpus.inventory
    monkeypatch.setattr("mechamap.corpus.opening.counted", None)  # nothing is counted once more
    again = reopened(settings, corpus)
    assert list(again.read(7, 30)) == list(corpus.read(7, 30))
    assert again.identity == corpus.identity


def test_the_identity_is_of_names_and_contents_and_not_of_places_and_times(tmp_path: Path) -> None:
    one = opened(write_jsonl(tmp_path / "x.jsonl", TEXTS))
    (tmp_path / "elsewhere").mkdir()
    shutil.copy(tmp_path / "x.jsonl", tmp_path / "elsewhere" / "x.jsonl")
    os.utime(tmp_path / "elsewhere" / "x.jsonl", (1, 1))
    assert opened(tmp_path / "elsewhere" / "x.jsonl").identity == one.identity
    assert json.loads(json.dumps(one.identity)) == one.identity
    other = [*TEXTS[:-1], TEXTS[-1].replace("number", "numeral")]
    assert len(other[-1]) - len(TEXTS[-1]) == 1
    write_jsonl(tmp_path / "elsewhere" / "x.jsonl", [*TEXTS[:-1], TEXTS[-1].upper()])
    changed = opened(tmp_path / "elsewhere" / "x.jsonl").identity
    assert changed != one.identity and changed["files"][0]["size"] == one.identity["files"][0]["size"]
    write_jsonl(tmp_path / "elsewhere" / "x.jsonl", TEXTS, body="Another.")
    assert opened(tmp_path / "elsewhere" / "x.jsonl", field="body").identity != one.identity


def test_a_copy_that_was_written_at_another_time_is_compared_by_its_bytes(tmp_path: Path) -> None:
    settings = CorpusSettings((str(write_jsonl(tmp_path / "x.jsonl", TEXTS)),))
    corpus = open_corpus(settings)
    os.utime(tmp_path / "x.jsonl", (1, 1))
    assert [document.number for document in reopened(settings, corpus).read()] == list(range(40))


def _grown(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b'{"text": "One more."}\n')


def _other_bytes(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))


def _gone(path: Path) -> None:
    path.unlink()


@pytest.mark.parametrize("change", [_grown, _other_bytes, _gone])
@pytest.mark.parametrize("name", ["x.jsonl", "x.parquet", "x.jsonl.zst"])
def test_a_file_that_changed_is_noticed_before_and_while_it_is_read(tmp_path: Path, name: str, change: Any) -> None:
    def made() -> CorpusSettings:
        path = tmp_path / name
        write_parquet(path, TEXTS) if name.endswith("parquet") else write_jsonl(path, TEXTS)
        return CorpusSettings((str(path),))

    corpus = open_corpus(made())
    reading = corpus.read()
    assert next(reading).text == TEXTS[0]
    change(tmp_path / name)
    os.utime(tmp_path / name, (9, 9)) if change is not _gone else None
    for read in (lambda: list(reading), lambda: list(corpus.read(20))):
        with pytest.raises(CorpusError) as caught:
            read()
        assert "changed" in caught.value.message or "No such file" in caught.value.message
    corpus = open_corpus(settings := made())
    change(tmp_path / name)
    with pytest.raises(CorpusError):
        reopened(settings, corpus)


def test_other_files_and_other_settings_are_another_corpus(tmp_path: Path) -> None:
    settings = written_corpus(tmp_path, "folder", TEXTS)
    corpus = open_corpus(settings)
    (tmp_path / "folder" / "more.txt").write_text("More.")
    with pytest.raises(CorpusError, match=r"41 files in place of 40, such as folder/more\.txt"):
        reopened(settings, corpus)
    (tmp_path / "folder" / "more.txt").unlink()
    with pytest.raises(CorpusError, match="read in another way"):
        reopened(CorpusSettings(settings.sources, per_line=True), corpus)
    settings = written_corpus(tmp_path, "jsonl", TEXTS)
    with pytest.raises(CorpusError, match="was read by its member 'text', not 'id'"):
        reopened(CorpusSettings(settings.sources, field="id"), open_corpus(settings))


def test_an_inventory_that_was_damaged_is_refused(tmp_path: Path) -> None:
    plain = open_corpus(written_corpus(tmp_path, "mixed", TEXTS)).inventory.to_plain()
    for seed in range(300):
        damaged = damaged_json(plain, random.Random(seed), times=3)
        try:
            inventory = Inventory.from_plain(damaged)
        except ValueError as error:
            assert str(error).startswith("inventory")
        else:
            assert all(file.marks.before(0)[0] == 0 for file in inventory.files)
    for member, value in (("documents", [1, 2]), ("offsets", []), ("characters", [-1] * 13)):
        damaged = copy.deepcopy(plain)
        damaged["files"][0]["marks"][member] = value
        with pytest.raises(ValueError, match=r"inventory\.files\[0\]"):
            Inventory.from_plain(damaged)
