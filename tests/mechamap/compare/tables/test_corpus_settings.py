"""What is said of two runs that read corpora, or a corpus and a text."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from support.made_corpus_run import DOCUMENTS, Shape, made_corpus_run
from support.recorded_run import recorded_run

from mechamap.compare.tables.settings import settings_that_differ
from mechamap.runs.run import Run


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return made_corpus_run(tmp_path / "a")


def named(a: Run, b: Run) -> dict[str, tuple[str, str]]:
    return {setting.name: (setting.a, setting.b) for setting in settings_that_differ(a, b, same=True)}


def changed(run: Run, **corpus: object) -> Run:
    """The same with other members of its corpus' record."""
    assert run.record.corpus is not None
    return Run(replace(run.record, corpus=replace(run.record.corpus, **corpus)), path=run.path)


def test_one_corpus_read_alike_differs_in_nothing(run: Run) -> None:
    assert named(run, changed(run)) == {}


def test_other_tokens_are_told_by_documents_first_tokens_and_hash(run: Run, tmp_path: Path) -> None:
    other = made_corpus_run(tmp_path / "b", Shape(seed=7), (*DOCUMENTS[1:], "A last one."))
    settings = named(run, other)
    assert settings["corpus"][0] == "tales.jsonl, 57 tokens of 4 documents"
    assert settings["first tokens"][0] != settings["first tokens"][1]
    assert settings["hash of the tokens"] == ("0000000000000000", "0000000000000007")


@pytest.mark.parametrize(
    ("member", "value", "name"),
    [("padding", "left", "padding"), ("merged", 3, "shards merged"), ("first_ids", (5, 6), "first tokens")],
)
def test_each_is_told_by_itself(run: Run, member: str, value: object, name: str) -> None:
    extra = {"stream": "ff"} if member == "first_ids" else {}
    assert name in named(run, changed(run, **{member: value}, **extra))


def test_token_policies_are_compared_as_of_texts(run: Run) -> None:
    config = replace(run.config, add_bos=False, exclude_first_position=False)
    settings = named(run, Run(replace(run.record, config=config), path=run.path))
    assert {"BOS in front", "first position left out"} <= set(settings)


def test_other_draws_are_told(run: Run) -> None:
    assert run.config.corpus is not None
    config = replace(run.config, corpus=replace(run.config.corpus, seed=1))
    assert named(run, Run(replace(run.record, config=config), path=run.path)) == {
        "drawn": ("512 occurrences, 4,096 others, seed 0", "512 occurrences, 4,096 others, seed 1")
    }


def test_a_corpus_beside_a_text_is_told_with_what_that_means(run: Run, tmp_path: Path) -> None:
    text = recorded_run(tmp_path / "text")
    for a, b in ((run, text), (text, run)):
        setting = next(setting for setting in settings_that_differ(a, b, same=True) if setting.name == "text")
        assert "standard errors" in setting.means
        assert {setting.a.split()[0], setting.b.split()[0]} == {"corpus", "24"}
