"""Data sets through the library ``datasets``: those of a folder here, read as those of the hub are."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from itertools import islice
from pathlib import Path

import pytest
from support.corpus_files import opened, refused, write_jsonl, write_parquet
from support.fake_hub import COMMIT, hub_serving
from support.repository import ROOT

from mechamap.config.corpus_settings import CorpusSettings
from mechamap.corpus.corpus import Corpus
from mechamap.corpus.inventory import Inventory
from mechamap.corpus.opening import open_corpus
from mechamap.errors import CorpusError

TEXTS = ["One.", "", "Three.", "Four.", "Five."]

pytestmark = pytest.mark.filterwarnings("ignore")  # of the libraries


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The libraries look for nothing outside and keep their files here."""
    import datasets

    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A data set with two splits."""
    (tmp_path / "set").mkdir()
    write_jsonl(tmp_path / "set" / "train.jsonl", TEXTS, title="A title.")
    write_jsonl(tmp_path / "set" / "test.jsonl", ["Test."])
    return tmp_path / "set"


def hub_corpus(source: str, field: str | None = None) -> Corpus:
    return open_corpus(CorpusSettings((source,), field=field))


def test_a_data_set_is_read_as_it_comes_from_any_row_on(folder: Path) -> None:
    source = f"hf:{folder}"
    corpus = hub_corpus(source)
    full = list(corpus.read())
    assert [(document.number, document.text) for document in full] == [
        (number, text) for number, text in enumerate(TEXTS) if text
    ]
    assert [document.name for document in full] == [f"{source}:{number + 1}" for number in (0, 2, 3, 4)]
    assert (corpus.documents, corpus.characters, corpus.name_of(3)) == (None, None, f"{source}:4")
    for first, stop in ((0, 2), (2, 3), (4, None), (1, 4), (5, 9), (9, None)):
        wanted = [
            document for document in full if document.number >= first and (stop is None or document.number < stop)
        ]
        assert list(corpus.read(first, stop)) == wanted
    assert list(islice(corpus.read(), 2)) == full[:2]


def test_a_split_and_a_column_can_be_named(folder: Path) -> None:
    assert [document.text for document in hub_corpus(f"hf:{folder}:test").read()] == ["Test."]
    assert next(hub_corpus(f"hf:{folder}", field="title").read()).text == "A title."


def test_a_data_set_of_parquet_follows_files(tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    write_parquet(tmp_path / "set" / "validation.parquet", TEXTS)
    write_jsonl(tmp_path / "x.jsonl", ["First."])
    corpus = open_corpus(CorpusSettings((str(tmp_path / "x.jsonl"), f"hf:{tmp_path / 'set'}")))
    assert [(document.number, document.text) for document in corpus.read()] == [
        (0, "First."), (1, "One."), (3, "Three."), (4, "Four."), (5, "Five.")
    ]  # fmt: skip
    assert [document.number for document in corpus.read(1, 4)] == [1, 3]
    assert (corpus.documents, corpus.name_of(5)) == (None, f"hf:{tmp_path}/set:5")


def test_its_inventory_is_kept_and_told_from_another(folder: Path) -> None:
    settings = CorpusSettings((f"hf:{folder}",))
    corpus = open_corpus(settings)
    kept = Inventory.from_plain(corpus.inventory.to_plain())
    assert open_corpus(settings, inventory=kept).identity == corpus.identity
    with pytest.raises(CorpusError, match="its data set has changed"):
        open_corpus(CorpusSettings((f"hf:{folder}:test",)), inventory=kept)


@pytest.mark.parametrize(
    ("ending", "field", "what", "hint"),
    [
        (":tst", None, "there is no split 'tst'; there are train, test.", "Did you mean test?"),
        ("", "txt", 'has no "txt"; it has "id", "text", "title".', "Did you mean --field text?"),
        ("", "id", '"id" is not a text.', "Choose another column with --field."),
    ],
)
def test_a_split_or_column_that_it_lacks_is_named(
    folder: Path, ending: str, field: str | None, what: str, hint: str
) -> None:
    source = f"hf:{folder}{ending}"
    message, advice = refused(source, field=field)
    assert message.startswith(source) and message.endswith(what) and advice == hint


def test_damage_is_told_when_it_comes_with_the_row(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "set").mkdir()
    write_jsonl(tmp_path / "set" / "train-0.jsonl", TEXTS)
    (tmp_path / "set" / "train-1.jsonl").write_text('{"text": "cut\n')
    corpus = hub_corpus(f"hf:{tmp_path}/set")
    documents = corpus.read()
    assert len(list(islice(documents, 4))) == 4
    with pytest.raises(CorpusError, match=r"set:6 cannot be read: "):
        next(documents)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("source", ["hf:", "hf:a/b/c/d", "hf:a//b", "hf:a/b:c:d"])
def test_what_names_no_data_set_is_refused(source: str) -> None:
    message, hint = refused(source)
    assert message == f"{source} names no data set of the hub."
    assert hint == "Write it as hf:owner/name, or with more as hf:owner/name/config:split."


def test_a_hub_that_is_not_reached_is_said(tmp_path: Path) -> None:
    message, hint = refused("hf:nobody/nothing")
    assert message.startswith("hf:nobody/nothing cannot be read: ") and "\n" not in message
    assert "Check its name and the network" in hint
    assert refused(f"hf:{tmp_path}/gone")[0].startswith(f"hf:{tmp_path}/gone cannot be read: ")


SCRIPT = """
import json, sys
from mechamap.config.corpus_settings import CorpusSettings
from mechamap.corpus.opening import open_corpus
from mechamap.errors import CorpusError
for source in sys.argv[1:]:
    try:
        corpus = open_corpus(CorpusSettings((source,)))
        again = open_corpus(CorpusSettings((source,)), inventory=corpus.inventory)
        print(json.dumps([again.identity["stream"]["fingerprint"], [document.name for document in again.read(1, 4)]]))
    except CorpusError as error:
        print(json.dumps([error.message, str(error.hint)]))
"""


def test_what_a_hub_answers_is_read_or_told(folder: Path, tmp_path: Path) -> None:
    """In a process of its own, as the libraries learn where the hub is when they are imported."""
    served = {f"datasets/org/{name}": folder for name in ("tales", "gated")}
    with hub_serving(served, gated=("datasets/org/gated",)) as hub:
        environment = os.environ | {"HF_ENDPOINT": hub[0], "HF_HOME": str(tmp_path / "home"), "PYTHONPATH": str(ROOT)}
        sources = ["hf:org/tales", "hf:org/tales/mine", "hf:org/gone", "hf:org/gated"]
        command = [sys.executable, "-c", SCRIPT, *sources]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, env=environment, check=True)
        assert any(COMMIT in path for path in hub[1])
    read, config, gone, gated = map(json.loads, done.stdout.splitlines())
    assert read == [COMMIT, ["hf:org/tales:3", "hf:org/tales:4"]]
    assert "'mine' not found. Available: ['default']" in config[0]
    assert "doesn't exist on the Hub or cannot be accessed" in gone[0]
    assert gated[0].startswith("hf:org/gated cannot be read: ") and gated[1]


def test_names_of_files_and_data_sets_do_not_meet(folder: Path) -> None:
    assert opened(folder).documents == len(TEXTS) + 1
