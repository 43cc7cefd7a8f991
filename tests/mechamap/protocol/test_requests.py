"""The parameters of requests: what one end writes the other reads, and what makes no sense is refused by name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct, ValidationError
from msgspec.structs import fields

from mechamap.protocol import requests, rpc
from mechamap.protocol.messages import Ablation, Effect, Progress, decode, plain
from mechamap.protocol.requests import (
    AblateParams,
    CompareParams,
    ConfirmParams,
    ExportParams,
    InterpretParams,
    LensParams,
    PlanParams,
    ScanParams,
    read_params,
)
from mechamap.protocol.rpc import RpcFault


def test_what_the_explorer_asks_is_what_the_engine_reads() -> None:
    for params in (
        ScanParams(model="demo", config={"layers": "0-1"}, config_file=Path("/a.yaml"), resume=True),
        PlanParams(model="demo", fetch=False),
        ExportParams(Path("/run"), Path("/out.csv"), "csv", wide=True, rows=(3, 1)),
        CompareParams(runs=(Path("/a"), Path("/b")), by="d", threshold=0.5),
    ):
        line = rpc.encode(rpc.request(1, "method", plain(params)))
        assert read_params("method", json.loads(line)["params"], type(params)) == params


def test_what_is_as_by_default_is_not_sent() -> None:
    assert plain(ScanParams(model="demo", config={})) == {"model": "demo", "config": {}}


def test_null_is_the_same_as_not_given_and_what_nobody_knows_is_passed_over() -> None:
    given = {"model": "demo", "config": None, "out": None, "fetch": None, "from_a_newer_version": 1}
    assert read_params("plan", given, PlanParams) == PlanParams(model="demo")


def test_a_tilde_in_a_path_is_the_users_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert read_params("scan", {"model": "demo", "out": "~/run"}, ScanParams).out == tmp_path / "run"


@pytest.mark.parametrize(
    ("kind", "given", "message"),
    [
        (ScanParams, {}, "method needs model, a text."),
        (ScanParams, {"model": ""}, "model is a text."),
        (ScanParams, {"model": "demo", "config": ["layers"]}, "config is an object of changed keys, or null."),
        (ScanParams, {"model": "demo", "resume": 1}, "resume is true or false."),
        (ScanParams, {"model": "demo", "out": 3}, "out is a path, as text, or null."),
        (ScanParams, {"model": "demo", "out": ""}, "out is a path, as text, or null."),
        (ConfirmParams, {"run": "a", "permutations": 19}, "permutations is a whole number of at least 20, or null."),
        (ConfirmParams, {"run": "a", "seed": True}, "seed is a whole number of at least 0, or null."),
        (AblateParams, {"run": "a", "neurons": []}, "neurons is a list of names, such as L7.N1844."),
        (AblateParams, {"run": "a", "neurons": ["L0.N0"], "mode": "half"}, "mode is zero or mean."),
        (LensParams, {"run": "a", "neuron": "L0.N0", "k": 1.5}, "k is a whole number of at least 0."),
        (InterpretParams, {"run": "a", "threshold": float("nan")}, "threshold is a number, or null."),
        (CompareParams, {"runs": ["a"]}, "runs is a list of two folders or CSV files or more."),
        (CompareParams, {"runs": ["a", ""]}, "runs is a list of two folders or CSV files or more."),
    ],
)
def test_a_refusal_names_the_parameter_and_what_it_takes(
    kind: type[Struct], given: dict[str, Any], message: str
) -> None:
    with pytest.raises(RpcFault) as refused:
        read_params("method", given, kind)
    assert (refused.value.code, refused.value.message) == (rpc.INVALID_PARAMS, message)


def test_every_parameter_says_what_it_takes() -> None:
    kinds = [kind for name in requests.__all__ if isinstance(kind := getattr(requests, name), type)]
    assert len(kinds) == 15
    for kind in kinds:
        assert all(requests._takes(field.type) for field in fields(kind)), kind


def test_an_ablation_is_read_as_it_was_written_where_there_is_nothing_to_average_too() -> None:
    nothing = Effect(None, None, 0, (None,))
    ablation = Ablation("L7.N12", "mean", ("L0.N5",), {"food": Effect(-0.25, 0.02, 12, (-0.01,)), "color": nothing})
    assert decode(json.loads(json.dumps(plain(ablation), allow_nan=False)), Ablation) == ablation
    with pytest.raises(ValidationError):
        decode({"neuron": "L7.N12"}, Ablation)


def test_progress_tells_paths_as_text_and_members_of_a_newer_engine_are_passed_over() -> None:
    progress = Progress("pass", run=Path("/runs/x-1"), layers_done=1)
    assert plain(progress)["run"] == "/runs/x-1"
    assert decode({**plain(progress), "from_a_newer_version": 1}, Progress) == progress
