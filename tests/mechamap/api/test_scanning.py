"""Scans from Python: a model by name or in memory, settings, errors, and what interrupts leave."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import mechamap as mm
from mechamap.catalog.source import demo_folder
from mechamap.errors import ConfigError, UsageError

WORDS = {"food": ["apple", "bread", "soup", "cheese"], "animal": ["dog", "cat", "cow", "pig"]}


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("MECHAMAP_HOME", str(tmp_path / "home"))
    yield tmp_path


def test_a_scan_by_name_is_a_run_that_opens_again(home: Path) -> None:
    text = home / "story.txt"
    text.write_text("The dog ate bread and cheese. A cat drank soup. The cow saw an apple and a pig.", encoding="utf-8")
    run = mm.scan("demo", categories=WORDS, text=text, layers="0-1", second_text="never", progress=False)
    assert run.categories == ("food", "animal")
    assert run.config.texts == (text.read_text(encoding="utf-8"),)
    assert {rows.layer for rows in run.data.layers} == {0, 1}
    assert mm.runs()["name"] == [run.name]
    again = mm.open(run.name)
    assert again.top("food", 3)["neuron"] == run.top("food", 3)["neuron"]


def test_a_model_in_memory_gives_the_figures_that_its_folder_gives(home: Path) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model = AutoModelForCausalLM.from_pretrained(demo_folder())
    tokenizer = AutoTokenizer.from_pretrained(demo_folder())
    settings = {"categories": WORDS, "layers": "0-1", "second_text": "never", "progress": False}
    of_name = mm.scan("demo", **settings)
    of_memory = mm.scan(model, tokenizer=tokenizer, **settings)
    assert of_memory.model().model is model
    for figure in ("selectivity", "ap", "mean", "max"):
        assert (of_memory.data.figure(figure) == of_name.data.figure(figure)).all(), figure


def test_a_corpus_is_scanned_and_its_contexts_are_a_table(home: Path) -> None:
    (home / "a.txt").write_text("The dog ate an apple. " * 30, encoding="utf-8")
    (home / "b.txt").write_text("A cat drank soup by the river. " * 30, encoding="utf-8")
    run = mm.scan("demo", categories=WORDS, corpus=home, layers="0", second_text="never", progress=False)
    contexts = run["L0.N0"].contexts
    assert set(contexts["part"][:2]) == {"highest"}
    assert {Path(name).name for name in contexts["document"]} == {"a.txt", "b.txt"}


def test_a_wrong_setting_is_named_before_a_model_is_loaded() -> None:
    with pytest.raises(UsageError, match="unknown key"):
        mm.scan("no/such-model", windows=3)
    with pytest.raises((UsageError, ConfigError), match="dtype"):
        mm.scan("no/such-model", dtype="floaty")


def test_a_model_in_memory_needs_its_tokenizer() -> None:
    from transformers import AutoModelForCausalLM

    with pytest.raises(UsageError, match="needs its tokenizer"):
        mm.scan(AutoModelForCausalLM.from_pretrained(demo_folder()))
    with pytest.raises(UsageError, match="A dict cannot be scanned"):
        mm.scan({})
    with pytest.raises(UsageError, match="brings its own tokenizer"):
        mm.scan("demo", tokenizer=object())


def test_a_folder_with_a_run_is_refused_in_words_of_python(home: Path) -> None:
    run = mm.scan("demo", categories=WORDS, layers="0", second_text="never", progress=False, out=home / "run")
    with pytest.raises(mm.MechaMapError, match=r"Resume it with resume=True, or .* with out=\.\.\.") as told:
        mm.scan("demo", categories=WORDS, out=run.path)
    assert "--" not in str(told.value)
    with pytest.raises(UsageError, match="Name it: out=FOLDER"):
        mm.scan("demo", resume=True)
