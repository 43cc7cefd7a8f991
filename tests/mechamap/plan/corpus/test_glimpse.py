"""A large corpus is estimated from a part of it, whatever its files are."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from support.corpus_files import CORPUS_KINDS, write_jsonl, write_parquet, written_corpus

from mechamap.config.corpus_settings import CorpusSettings
from mechamap.corpus.inventory import Inventory
from mechamap.corpus.opening import open_corpus
from mechamap.errors import CorpusError
from mechamap.plan.corpus import extent, glimpse
from mechamap.plan.corpus.extent import Extent, extent_of
from mechamap.scan.corpus.shards import ShardTokens, shard_ranges


def texts_of(count: int, longer: int = 1) -> list[str]:
    """Texts of random words, the second half of them ``longer`` times as long; some are blank."""
    draw = random.Random(count)
    words = ["mountain", "the", "of", "seven", "a", "river", "writes", "on"]
    lengths = [draw.randrange(10, 30) * (longer if 2 * number > count else 1) for number in range(count)]
    return [" ".join(draw.choices(words, k=length)) if draw.randrange(10) else "  " for length in lengths]


@pytest.fixture
def little_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files of more than a few kilobytes count as large, and a tenth of them is looked at."""
    monkeypatch.setattr(extent, "READ_WHOLE", 4_000)
    monkeypatch.setattr(glimpse, "_BYTES", 60_000)
    monkeypatch.setattr(glimpse, "_FILES", 50)


def counted(settings: CorpusSettings) -> Inventory:
    return open_corpus(settings).inventory


def glimpsed(settings: CorpusSettings) -> Extent:
    found = extent_of(settings)
    assert found.corpus is None
    return found


@pytest.mark.parametrize("kind", [kind for kind in CORPUS_KINDS if not kind.endswith(("gz", "zst"))])
def test_documents_and_characters_are_estimated_from_a_part(tmp_path: Path, little_is_read: None, kind: str) -> None:
    texts = texts_of(500 if kind == "folder" else 4_000)
    settings = written_corpus(tmp_path, kind, texts)
    found, whole = glimpsed(settings), counted(settings)
    assert found.inventory.documents == pytest.approx(whole.documents, rel=0.1)
    assert found.inventory.characters == pytest.approx(whole.characters, rel=0.1)
    if kind != "folder":  # where a file is one document, blank or not
        assert found.inventory.blank == pytest.approx(whole.blank, rel=0.35)
    assert [(file.name, file.size) for file in found.inventory.files] == [
        (file.name, file.size) for file in whole.files
    ]
    assert {document.text for document in found.sampled} <= set(texts)
    sampled = sum(len(document.text) for document in found.sampled)
    assert sampled / len(found.sampled) == pytest.approx(whole.characters / (whole.documents - whole.blank), rel=0.1)


@pytest.mark.parametrize("kind", [kind for kind in CORPUS_KINDS if kind.endswith(("gz", "zst"))])
def test_packed_files_are_estimated_from_their_beginning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setattr(extent, "READ_WHOLE", 4_000)
    monkeypatch.setattr(glimpse, "_BYTES", 1_500_000)
    draw = random.Random(0)  # what can hardly be packed, so that there is much to unpack in a small file
    texts = [draw.randbytes(draw.randrange(1_000, 2_000)).hex() for _ in range(100 if "folder" in kind else 3_000)]
    settings = written_corpus(tmp_path, kind, texts)
    found, whole = glimpsed(settings).inventory, counted(settings)
    assert found.documents == pytest.approx(whole.documents, rel=0.1)
    assert found.characters == pytest.approx(whole.characters, rel=0.1)


@pytest.mark.parametrize("kind", ["jsonl", "parquet"])
def test_several_places_of_a_file_are_looked_at(tmp_path: Path, little_is_read: None, kind: str) -> None:
    texts = texts_of(4_000, longer=8)
    if kind == "jsonl":
        path = write_jsonl(tmp_path / "x.jsonl", texts)
    else:
        path = write_parquet(tmp_path / "x.parquet", texts, group=50)
    settings = CorpusSettings((str(path),))
    found, whole = glimpsed(settings).inventory, counted(settings)
    assert found.documents == pytest.approx(whole.documents, rel=0.15)
    assert found.characters == pytest.approx(whole.characters, rel=0.15)


def test_shards_of_an_estimate_are_about_those_of_the_corpus(tmp_path: Path, little_is_read: None) -> None:
    settings = CorpusSettings((str(write_jsonl(tmp_path / "x.jsonl", texts_of(4_000))),))
    found, whole = glimpsed(settings).inventory, counted(settings)
    about, exact = (shard_ranges(each, ShardTokens(2_000), None) for each in (found, whole))
    assert len(about) == pytest.approx(len(exact), rel=0.1)


def test_a_small_corpus_is_counted_and_a_changed_one_counted_again(tmp_path: Path) -> None:
    file = write_jsonl(tmp_path / "x.jsonl", ["One.", "Two."])
    settings = CorpusSettings((str(file),))
    first = extent_of(settings)
    assert first.corpus is not None and first.inventory.documents == 2
    assert extent_of(settings) is first
    write_jsonl(file, ["One.", "Two.", "Three."])
    assert extent_of(settings).inventory.documents == 3


def test_damage_at_the_beginning_is_an_error_and_further_on_passed_over(tmp_path: Path, little_is_read: None) -> None:
    file = write_jsonl(tmp_path / "x.jsonl", texts_of(4_000))
    good = file.read_bytes()
    middle = len(good) // 2
    file.write_bytes(good[:middle] + b"\n{no json\n" + good[middle:])
    with pytest.raises(CorpusError):
        open_corpus(CorpusSettings((str(file),)))
    assert glimpsed(CorpusSettings((str(file),))).inventory.documents == pytest.approx(4_000, rel=0.1)
    file.write_bytes(b"{no json\n" + good)
    with pytest.raises(CorpusError, match=r"x\.jsonl:1"):
        extent_of(CorpusSettings((str(file),)))
