"""Ladders asked for the way the explorer does: through the engine's own process, which keeps the model."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.engine_talk import EngineTalk as Engine

from mechamap.protocol import rpc
from mechamap.protocol.messages import decode
from mechamap.protocol.steering import Ladder
from mechamap.runs.run import Run

ASKED = {"text": "She went to the market", "strengths": [-1, 1], "controls": 2, "generate": 3}


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    with Engine(tmp_path_factory.mktemp("home")) as engine:
        yield engine


@pytest.fixture
def folder(demo_run: Run, tmp_path: Path) -> str:
    assert demo_run.path is not None
    shutil.copytree(demo_run.path, tmp_path / "run")
    return str(tmp_path / "run")


def test_a_ladder_is_answered_under_the_requests_id(engine: Engine, folder: str) -> None:
    answer = engine.ask("steer", run=folder, neurons=["L3.N509"], **ASKED)
    ladder = decode(answer["result"], Ladder)
    assert [row.strength for row in ladder.rows] == [-1, 1]
    assert {progress["id"] for progress in engine.progress} == {answer["id"]}
    assert "steer" in {progress["stage"] for progress in engine.progress}


def test_a_control_vector_is_written(engine: Engine, folder: str, tmp_path: Path) -> None:
    path = tmp_path / "vector.gguf"
    order = {"run": folder, "neurons": ["L3.N509", "L2.N194"], "strength": 1.5, "path": str(path)}
    assert engine.done("control_vector", **order) == {"path": str(path), "layers": [2, 3]}
    assert path.read_bytes()[:4] == b"GGUF"
    assert engine.ask("control_vector", **order)["error"]["data"]["kind"] == "ExportError"


def test_what_is_wrong_is_refused_in_words(engine: Engine, folder: str) -> None:
    error = engine.ask("steer", run=folder, neurons=["L3.N99999"], **ASKED)["error"]
    assert "L3.N99999 is not in this run" in error["data"]["message"]
    for wrong in ({"strengths": []}, {"strengths": [1e300]}, {"mode": "up"}, {"where": "middle"}, {"controls": -1}):
        error = engine.ask("steer", run=folder, neurons=["L3.N509"], **{**ASKED, **wrong})["error"]
        assert error["code"] == rpc.INVALID_PARAMS, wrong
        assert next(iter(wrong)) in error["message"]


def test_a_run_whose_model_is_gone_is_refused_and_the_engine_lives_on(engine: Engine, folder: str) -> None:
    file = Path(folder) / "run.json"
    record = json.loads(file.read_text())
    record["model"]["name"] = f"{folder}/gone"
    file.write_text(json.dumps(record))
    assert engine.ask("steer", run=folder, neurons=["L3.N509"], **ASKED)["error"]["data"]["kind"] == "ModelNotFound"
    assert engine.done("models") is not None
