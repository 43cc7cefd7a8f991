"""Sentences asked of the engine's own process: answers, what overtakes what, and what goes wrong, said in words."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.engine_talk import EngineTalk
from support.tiny_models import save, tiny_model

from mechamap.cli.main import main
from mechamap.runs.run import Run

SMALL = {
    "categories": {"animal": ["cat", "dog", "horse"], "place": ["Paris"]},
    "texts": ["The cat sat on the mat. A dog and a horse went to Paris by train. The dog ate an apple on the mat."],
    "device": "cpu",
    "second_text": "never",
}
SENTENCE = "The dog saw a cat and a horse in Paris."


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineTalk]:
    with EngineTalk(tmp_path_factory.mktemp("home")) as engine:
        yield engine


@pytest.fixture(scope="module")
def run(engine: EngineTalk, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("runs") / "run"
    engine.done("scan", model="demo", config={"device": "cpu", "second_text": "never"}, out=str(out))
    return out


def test_a_sentence_is_answered_with_values_percentiles_outliers_and_what_comes_next(
    engine: EngineTalk, run: Path
) -> None:
    probed = engine.done("probe", run=str(run), text=SENTENCE, neurons=["L2.N7"], position=2, outliers=4, next=3)
    tokens = len(probed["text"]["ids"])
    answer = probed["neurons"][0]
    assert len(answer["values"]) == len(answer["percentiles"]) == tokens == len(probed["text"]["pieces"])
    assert "".join(probed["text"]["pieces"][len(probed["text"]["special"]) :]) == SENTENCE
    assert probed["position"] == probed["outliers"]["position"] == 2
    assert len(probed["outliers"]["neurons"]) == 4
    assert len(probed["next"]) == 3
    assert probed["reference"].endswith("of the run's text")


def test_the_range_of_a_neuron_is_the_runs(engine: EngineTalk, run: Path) -> None:
    opened = Run.open(run)
    answer = engine.done("probe", run=str(run), text=SENTENCE, neurons=["L3.N11"])["neurons"][0]
    row = opened.row_of("L3.N11")
    assert answer["high"] == pytest.approx(float(opened.figure("max")[row]), rel=1e-4)
    assert answer["low"] == pytest.approx(float(opened.figure("min")[row]), rel=1e-4)


def test_a_model_without_a_run_answers_with_values_alone(engine: EngineTalk) -> None:
    probed = engine.done("probe", model="demo", text=SENTENCE, neurons=["L2.N7"], next=2)
    assert probed["neurons"][0]["percentiles"] == []
    assert len(probed["next"]) == 2
    assert engine.ask("probe", model="demo", text=SENTENCE, outliers=2)["error"]["data"]["kind"] == "UsageError"


def test_two_sentences_are_compared(engine: EngineTalk, run: Path) -> None:
    moves = engine.done("moves", run=str(run), first="I saw a dog.", second="I saw a cow.", neurons=["L1.N3"], top=5)
    assert len(moves["neurons"]) == 5
    assert moves["by_position"] is True
    assert len(moves["asked"][0]["values"]) == len(moves["pairs"])


def test_similar_neurons_come_with_what_chance_gives(engine: EngineTalk, run: Path) -> None:
    similar = engine.done("similar", run=str(run), neuron="L1.N3", top=5)
    assert len(similar["neurons"]) == 5
    assert similar["searched"] == Run.open(run).neurons - 1
    assert similar["chance"] == sorted(similar["chance"])
    assert 0 < similar["chance"][-1] < 1


def test_a_newer_probe_overtakes_those_before_it_and_each_answer_has_its_request(engine: EngineTalk, run: Path) -> None:
    ids = [
        engine.say("probe", run=str(run), text=SENTENCE * 8 + "x" * number, neurons=["L3.N7"], overtakes=True)
        for number in range(12)
    ]
    kept = engine.say("probe", run=str(run), text=SENTENCE, neurons=["L3.N7"])  # does not ask to overtake
    answers: dict[int, dict[str, Any]] = {}
    for _ in range(13):
        answer = engine.hear()
        answers[answer["id"]] = answer
    assert set(answers) == {*ids, kept}
    assert "result" in answers[ids[-1]]
    assert "result" in answers[kept]
    assert answers[ids[-1]]["result"]["text"]["pieces"][-1].endswith("x")
    overtaken = [answers[id]["error"]["data"]["kind"] for id in ids[:-1] if "error" in answers[id]]
    assert len(overtaken) >= 9  # one may have been done before the next came
    assert set(overtaken) == {"Cancelled"}


def test_the_model_is_given_back_on_request_and_read_again_when_it_is_needed(engine: EngineTalk, run: Path) -> None:
    engine.done("probe", run=str(run), text=SENTENCE, neurons=["L1.N1"])
    assert engine.done("release") == {"model": "demo"}
    assert engine.done("release") == {"model": None}
    assert engine.done("probe", run=str(run), text=SENTENCE, neurons=["L1.N1"])["neurons"]


@pytest.mark.parametrize(
    ("params", "kind", "said"),
    [
        ({"text": " "}, "TextError", "empty"),
        ({"neurons": ["L9.N1"]}, "UsageError", "L9.N1 does not exist: demo has layers 0 to 3"),
        ({"neurons": ["fruit"]}, "UsageError", "not the name of a neuron"),
        ({"position": 99, "next": 1}, "UsageError", "Token 99 does not exist"),
        ({"run": "/nowhere"}, "RunError", "/nowhere"),
    ],
)
def test_what_cannot_be_asked_is_refused_in_words(
    engine: EngineTalk, run: Path, params: dict[str, Any], kind: str, said: str
) -> None:
    error = engine.ask("probe", **{"run": str(run), "text": SENTENCE, "neurons": ["L1.N1"], **params})["error"]
    assert error["data"]["kind"] == kind
    assert said in error["message"]


@pytest.mark.parametrize(
    ("params", "said"),
    [({"text": 3}, "text is a text."), ({"run": None}, "needs run or model"), ({"next": -1}, "next is a whole number")],
)
def test_parameters_that_are_not_valid_are_refused(
    engine: EngineTalk, run: Path, params: dict[str, Any], said: str
) -> None:
    error = engine.ask("probe", **{"run": str(run), "text": SENTENCE, **params})["error"]
    assert error["code"] == -32602
    assert said in error["message"]


def test_a_run_whose_model_is_gone_says_so(engine: EngineTalk, run: Path, tmp_path: Path) -> None:
    shutil.copytree(run, tmp_path / "run")
    record = json.loads((tmp_path / "run" / "run.json").read_text())
    record["model"]["name"] = str(tmp_path / "gone")
    (tmp_path / "run" / "run.json").write_text(json.dumps(record))
    error = engine.ask("probe", run=str(tmp_path / "run"), text=SENTENCE, neurons=["L1.N1"])["error"]
    assert error["data"]["kind"] == "ModelNotFound"
    assert "gone" in error["message"]


def test_a_model_that_is_trained_on_or_replaced_meanwhile_is_said_to_be_another(
    engine: EngineTalk, tiny_models: Callable[..., Path], tmp_path: Path
) -> None:
    model, run = tmp_path / "model", tmp_path / "run"
    shutil.copytree(tiny_models("gpt2"), model)
    engine.done("scan", model=str(model), config=SMALL, out=str(run))
    question = {"run": str(run), "text": "The dog saw a cat.", "neurons": ["L1.N1"]}
    before = engine.done("probe", **question)
    assert before["notes"] == []
    save(tiny_model("gpt2", seed=1), model)
    after = engine.done("probe", **question)
    assert after["neurons"][0]["values"] != before["neurons"][0]["values"]
    assert after["notes"][0].startswith("The model has changed since the scan")
    shutil.rmtree(model)
    shutil.copytree(tiny_models("gpt2", n_inner=48), model)
    error = engine.ask("probe", **question)["error"]
    assert error["data"]["kind"] == "RunError"
    assert "is not the model of run: layer 0 has different neurons" in error["message"]


def test_values_are_those_of_the_command_line(
    engine: EngineTalk, run: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("MECHAMAP_HOME", str(tmp_path))
    probed = engine.done("probe", run=str(run), text=SENTENCE, neurons=["L2.N7"])
    assert main(["probe", str(run), "--neuron", "L2.N7", "--text", SENTENCE, "--format", "json"]) == 0
    rows = json.loads(capsys.readouterr().out)["tables"]["tokens"]["rows"]
    assert np.allclose([row["L2.N7"] for row in rows], probed["neurons"][0]["values"])
    assert np.allclose([row["L2.N7 percentile"] for row in rows], probed["neurons"][0]["percentiles"])
