"""``mechamap probe`` and ``mechamap similar``, on the bundled model."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from mechamap.cli.main import main
from mechamap.runs.run import Run

SENTENCE = "The dog saw a cat."
Mechamap = Callable[..., "tuple[int, str, str]"]


@pytest.fixture
def mechamap(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], demo_run: Run
) -> Mechamap:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MECHAMAP_HOME", str(tmp_path / "home"))

    def run(*words: str | Path) -> tuple[int, str, str]:
        capsys.readouterr()
        code = main([str(demo_run.path) if word == "RUN" else str(word) for word in words])
        out, err = capsys.readouterr()
        assert "Traceback" not in out + err
        return code, out, err

    return run


def test_each_token_stands_with_its_value_and_percentile(mechamap: Mechamap) -> None:
    code, out, _ = mechamap("probe", "RUN", "--neuron", "L3.N5", "--text", SENTENCE)
    assert code == 0
    assert "position" in out
    assert "percentile" in out
    assert " cat" in out
    assert "of the run's text" in out


def test_json_holds_every_table(mechamap: Mechamap) -> None:
    code, out, _ = mechamap(
        "probe", "RUN", "--neuron", "L3.N5", "--neuron", "L0.N1", "--text", SENTENCE, "--text", "A cow.", "--token",
        "-1", "--top", "4", "--next", "3", "--format", "json",
    )  # fmt: skip
    assert code == 0
    tables = json.loads(out)["tables"]
    assert set(tables) == {"tokens", "outliers", "next"}
    assert {row["text"] for row in tables["tokens"]["rows"]} == {"1", "2"}
    assert {"L3.N5", "L3.N5 percentile", "L0.N1"} <= set(tables["tokens"]["rows"][0])
    assert len(tables["outliers"]["rows"]) == 8
    assert len(tables["next"]["rows"]) == 6
    for row in tables["outliers"]["rows"]:
        assert 0 <= row["share"] <= 1
        assert row["side"] in ("high", "low")
        assert row["category"]


def test_csv_holds_the_tokens(mechamap: Mechamap) -> None:
    code, out, _ = mechamap("probe", "RUN", "--neuron", "L3.N5", "--text", SENTENCE, "--format", "csv")
    assert code == 0
    rows = list(csv.DictReader(io.StringIO(out)))
    assert "".join(row["token"] for row in rows if row["position"] != "0").endswith(SENTENCE[-10:])
    assert all(float(row["L3.N5"]) == float(row["L3.N5"]) for row in rows)


def test_two_texts_are_compared(mechamap: Mechamap) -> None:
    code, out, _ = mechamap(
        "probe", "RUN", "--text", "I saw a dog.", "--text", "I saw a cow.", "--compare", "--top", "6", "--neuron",
        "L1.N2", "--format", "json",
    )  # fmt: skip
    assert code == 0
    tables = json.loads(out)["tables"]
    sizes = [abs(row["deviations"]) for row in tables["moves"]["rows"]]
    assert sizes == sorted(sizes, reverse=True)
    assert len(sizes) == 6
    assert any(row["token"] != row["other_token"] for row in tables["moves"]["rows"])
    assert "L1.N2" in tables["pairs"]["rows"][0]


def test_a_model_without_a_run_says_that_percentiles_need_one(mechamap: Mechamap) -> None:
    code, out, _ = mechamap("probe", "demo", "--neuron", "L3.N5", "--text", SENTENCE, "--next", "2")
    assert code == 0
    assert "Percentiles are told by a run" in out
    code, _, err = mechamap("probe", "demo", "--text", SENTENCE, "--token", "1")
    assert code == 2
    assert "told by a run" in err


def test_a_text_can_come_from_standard_input(mechamap: Mechamap, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(SENTENCE.encode())))
    code, out, _ = mechamap("probe", "demo", "--neuron", "L3.N5", "--text", "-", "--format", "csv")
    assert code == 0
    assert "cat" in out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--text", "a"], "Nothing is asked"),
        (["--text", "a", "--compare"], "1 are given"),
        (["--text", "a", "--text", "b", "--compare", "--next", "2"], "--compare is about all tokens"),
        (["--text", "-", "--text", "-", "--next", "1"], "Standard input is one text"),
        (["--text", "a", "--neuron", "nose"], "not the name of a neuron"),
        (["--text", "a", "--neuron", "L9.N0"], "has layers 0 to 3"),
        (["--text", "a", "--token", "0", "--top", "0"], "--top is 0"),
    ],
)
def test_what_makes_no_sense_is_refused(mechamap: Mechamap, words: list[str], said: str) -> None:
    code, out, err = mechamap("probe", "RUN", *words)
    assert code == 2
    assert said in err
    assert out == ""


def test_an_empty_text_is_refused(mechamap: Mechamap) -> None:
    code, _, err = mechamap("probe", "demo", "--neuron", "L0.N0", "--text", "  ")
    assert code == 1
    assert "The text is empty" in err


def test_a_long_text_is_cut_and_it_is_said(mechamap: Mechamap) -> None:
    code, out, _ = mechamap("probe", "demo", "--neuron", "L0.N0", "--text", "The dog saw a cat. " * 2000)
    assert code == 0
    assert "Only the first" in out


def test_similar_neurons_stand_beside_what_chance_gives(mechamap: Mechamap) -> None:
    code, out, _ = mechamap("similar", "RUN", "--neuron", "L2.N9", "--top", "5")
    assert code == 0
    assert "Neurons most like L2.N9" in out
    assert "by chance" in out
    code, out, _ = mechamap("similar", "RUN", "--neuron", "L2.N9", "--top", "5", "--format", "json")
    rows = json.loads(out)["tables"]["similar"]["rows"]
    sizes = [abs(row["r"]) for row in rows]
    assert sizes == sorted(sizes, reverse=True)
    assert len(sizes) == 5


def test_similar_refuses_a_neuron_that_the_run_has_not(mechamap: Mechamap) -> None:
    code, _, err = mechamap("similar", "RUN", "--neuron", "L2.N99999")
    assert code == 2
    assert "L2.N99999" in err
