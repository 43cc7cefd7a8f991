"""The command line on an encoder: what it reads is scanned and confirmed, what cannot be meant is refused in words."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from support.tiny_encoders import save_tiny

from mechamap.cli.main import main
from mechamap.runs.run import Run

CONFIG = """
texts: ["The cat sat on the mat and ate an apple. A dog and a horse went to Paris by train."]
categories:
  animal: [cat, dog, horse]
  food: [apple, bread]
contrast: [train, mat]
templates: ["I saw {} there."]
second_text: never
"""


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny(tmp_path_factory.mktemp("encoder"), "bert", "AutoModel")


@pytest.fixture
def mechamap(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str, str]]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MECHAMAP_HOME", str(tmp_path / "home"))
    (tmp_path / "mine.yaml").write_text(CONFIG)

    def run(*words: str | Path) -> tuple[int, str, str]:
        capsys.readouterr()
        code = main([*map(str, words)])
        out, err = capsys.readouterr()
        assert "Traceback" not in out + err
        return code, out, err

    return run


def test_a_scan_tells_what_stands_around_the_text_and_confirms_it(
    model: Path, mechamap: Callable[..., tuple[int, str, str]]
) -> None:
    code, _, told = mechamap("scan", model, "--config", "mine.yaml", "--out", "run", "--confirm")
    assert code == 0, told
    assert "[CLS] in front of each window and [SEP] behind it" in told
    run = Run.open(Path("run"))
    assert np.isfinite(run.figure("held_out_auroc")).all()
    assert np.isnan(run.figure("write")).all()


def test_causes_are_refused_before_anything_is_scanned(
    model: Path, mechamap: Callable[..., tuple[int, str, str]]
) -> None:
    code, _, told = mechamap("scan", model, "--config", "mine.yaml", "--out", "run", "--causes")
    assert code == 1
    assert "reads a text in both directions at once and predicts no word" in told
    assert not Path("run").exists()


def test_ablate_and_lens_say_why_not(model: Path, mechamap: Callable[..., tuple[int, str, str]]) -> None:
    assert mechamap("scan", model, "--config", "mine.yaml", "--out", "run")[0] == 0
    for words, reason in (
        (("ablate", "run"), "predicts no word from what precedes it"),
        (("ablate", "run", "--neuron", "L0.N3"), "predicts no word from what precedes it"),
        (("lens", "run", "--neuron", "L0.N3"), "predicts no next token"),
        (("lens", model, "--neuron", "L0.N3"), "predicts no next token"),
    ):
        code, out, told = mechamap(*words)
        assert (code, out) == (1, ""), words
        assert reason in told, words
        assert "confirmed" in told, words
