"""Names of files and words of the command line in bytes that are no UTF-8: used where only a file is meant, and
refused in a sentence where a run's record would have to tell them."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from mechamap.cli.main import main
from mechamap.config.schema import default_config, with_overrides
from mechamap.errors import UsageError
from mechamap.runs.run import Run

ODD = os.fsdecode(b"odd\xff")

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="other systems have names in UTF-8 alone")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MECHAMAP_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_model_of_such_a_name_is_refused(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / ODD).mkdir()
    assert main(["scan", f"./{ODD}"]) == 1
    assert "is not UTF-8, so a run cannot tell it" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["--corpus", f"{ODD}.jsonl"], ["--corpus", "a.jsonl", "--field", f"\x1b[31m{ODD}"]])
def test_a_corpus_or_member_of_such_a_name_is_refused(
    folder: Path, words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("a.jsonl", f"{ODD}.jsonl"):
        (folder / name).write_text(json.dumps({"text": "An apple fell on the dog in Paris."}), encoding="utf-8")
    assert main(["scan", "demo", *words, "--out", "run"]) == 2
    printed = capsys.readouterr().err
    assert "which is not UTF-8" in printed
    assert "\x1b" not in printed
    assert not (folder / "run").exists()


def test_no_setting_is_such_a_text() -> None:
    with pytest.raises(UsageError, match=r"categories: '\\udcff' is not UTF-8"):
        with_overrides(default_config(), categories={"\udcff": {"words": ["a", "b"]}})
    with pytest.raises(UsageError, match=r"texts\[0\] is 'a \\ud800', which is not UTF-8"):
        with_overrides(default_config(), texts=["a \ud800"])


def test_a_text_and_a_run_may_have_such_names(folder: Path) -> None:
    (folder / f"{ODD}.txt").write_text("The dog ate an apple in Paris. " * 20, encoding="utf-8")
    words = ["--text", f"{ODD}.txt", "--layers", "0", "--limit-neurons", "8", "--no-second-text"]
    assert main(["scan", "demo", *words, "--out", ODD]) == 0
    assert main(["confirm", ODD, "--text", f"{ODD}.txt"]) == 0
    assert Run.open(folder / ODD).record.state == "complete"
