"""Checks of a finished run, asked for the way the explorer does: through the engine's own process."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.engine_talk import EngineTalk as Engine
from support.recorded_run import recorded_run

from mechamap.exports.registry import ExportRequest, export_run
from mechamap.protocol import rpc
from mechamap.runs.run import Run
from mechamap.system.plain_values import to_plain_values

CONFIG = {
    "categories": {
        "animal": ["cat", "dog", "horse", "lion", "bear", "wolf"],
        "place": ["Paris", "Rome", "New York", "Cairo", "London"],
    },
    "contrast": ["table", "window", "quickly", "idea", "paper", "glass"],
    "templates": ["The next word is {}", "They spoke of {}, and of nothing else."],
    "texts": ["The cat sat on the mat. A dog and a horse went to Paris by train. A cat saw New York."],
    "device": "cpu",
}


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    with Engine(tmp_path_factory.mktemp("home")) as engine:
        yield engine


@pytest.fixture
def run_folder(engine: Engine, tiny_models: Callable[..., Path], tmp_path: Path) -> str:
    """A run of a tiny model, scanned by the same process, which keeps the model loaded."""
    folder = engine.done("scan", model=str(tiny_models("gpt2")), config=CONFIG, out=str(tmp_path / "run"))["run"]
    assert folder == str(tmp_path / "run")
    return str(folder)


def test_a_run_is_confirmed_with_progress_under_the_requests_id(engine: Engine, run_folder: str) -> None:
    answer = engine.ask("confirm", run=run_folder, permutations=39, splits=2, seed=3)
    run = Run.open(run_folder)
    p = run.figure("p")
    assert answer["result"]["run"] == run_folder
    assert answer["result"]["confirmed"] == {
        name: int((p[:, number] < 0.05).sum()) for number, name in enumerate(run.categories)
    }
    assert answer["result"]["seconds"] > 0
    about = to_plain_values(run.record.confirmation)
    assert (about["permutations"], about["splits"], about["seed"]) == (39, 2, 3)
    assert np.isfinite(p).all()
    assert {its["id"] for its in engine.progress} == {answer["id"]}
    stages = [its["stage"] for its in engine.progress]
    assert [stage for n, stage in enumerate(stages) if stage not in stages[:n]][:3] == ["resolve", "carriers", "pass"]
    last = engine.progress[-1]
    assert (last["run"], last["layers_total"], last["layers_done"]) == (run_folder, 3, 3)


def test_a_random_model_is_searched_too_and_the_one_that_is_kept_stays_as_it_is(
    engine: Engine, run_folder: str
) -> None:
    options = {"run": run_folder, "permutations": 20, "splits": 1}
    answer = engine.done("confirm", **options, randomize=["weights"])
    run = Run.open(run_folder)
    assert list(answer["randomized"]) == ["weights"]
    assert list(answer["randomized"]["weights"]) == list(answer["confirmed"]) == list(run.categories)
    assert "randomize" in [told["stage"] for told in engine.progress]
    before = run.figure("p").copy()
    assert engine.done("confirm", **options)["randomized"] == {}
    again = Run.open(run_folder)
    assert not again.record.randomized.made
    np.testing.assert_array_equal(again.figure("p"), before)
    refused = engine.ask("confirm", **options, randomize=["weight"])
    assert refused["error"]["message"] == "randomize is a list of weights, layers or basis."


def test_causes_are_estimated_then_measured(engine: Engine, run_folder: str) -> None:
    assert engine.done("causes", run=run_folder)["run"] == run_folder
    assert np.isfinite(Run.open(run_folder).figure("cause")).all()
    assert "gradients" in [its["stage"] for its in engine.progress]
    found = engine.done("ablate", run=run_folder, neurons=["L1.N7", "l2n3"], mode="zero", controls=2, seed=1)
    run = Run.open(run_folder)
    assert [its["neuron"] for its in found["ablations"]] == ["L1.N7", "L2.N3"]
    assert {f"{its['neuron']} zero": its for its in found["ablations"]} == to_plain_values(run.record.causes.ablations)
    first = found["ablations"][0]
    assert len(first["controls"]) == 2
    effect = first["categories"]["animal"]
    assert effect["occurrences"] == 4
    assert run.column("cause_measured", "animal")[run.row_of("L1.N7")] == pytest.approx(effect["effect"])
    mean = engine.done("ablate", run=run_folder, neurons=["L1.N7"], mode="mean", controls=0)["ablations"]
    assert (mean[0]["mode"], mean[0]["controls"]) == ("mean", [])


def test_the_lens_of_a_neuron(engine: Engine, run_folder: str) -> None:
    found = engine.done("lens", run=run_folder, neuron="L1.N7", k=4)
    assert found["neuron"] == "L1.N7"
    assert len(found["promoted"]) == len(found["suppressed"]) == 4
    values = [value for _, value in (*found["promoted"], *reversed(found["suppressed"]))]
    assert values == sorted(values, reverse=True)
    assert "standard deviations" in found["unit"]
    assert len(engine.done("lens", run=run_folder, neuron="L0.N0")["promoted"]) == 10


def test_a_cancelled_check_leaves_the_run_as_it_was_and_the_process_goes_on(engine: Engine, run_folder: str) -> None:
    before = {path.name: path.read_bytes() for path in Path(run_folder).iterdir() if path.is_file()}
    for method, params in (
        ("confirm", {"permutations": 5000}),
        ("causes", {}),
        ("ablate", {"neurons": [f"L{layer}.N{index}" for layer in range(3) for index in range(80)]}),
    ):
        asked = engine.say(method, run=run_folder, **params)
        cancel = engine.say("cancel", id=asked)
        answers = {answer["id"]: answer for answer in (engine.hear(), engine.hear())}
        assert answers[cancel]["result"] == {"found": True}
        assert answers[asked]["error"]["data"]["kind"] == "Cancelled", method
    assert {path.name: path.read_bytes() for path in Path(run_folder).iterdir() if path.is_file()} == before
    assert engine.done("causes", run=run_folder)


@pytest.mark.parametrize(
    ("method", "params", "said"),
    [
        ("confirm", {"permutations": "many"}, "permutations"),
        ("confirm", {"permutations": 19}, "at least 20"),
        ("confirm", {"splits": 0}, "splits is a whole number of at least 1"),
        ("confirm", {"seed": True}, "seed"),
        ("confirm", {"seed": -1}, "seed"),
        ("ablate", {}, "ablate needs neurons, a list of names"),
        ("ablate", {"neurons": []}, "neurons is a list of names"),
        ("ablate", {"neurons": "L0.N0"}, "neurons is a list of names"),
        ("ablate", {"neurons": [3]}, "neurons is a list of names"),
        ("ablate", {"neurons": ["L0.N0"], "mode": "half"}, "mode is zero or mean"),
        ("ablate", {"neurons": ["L0.N0"], "controls": 1.5}, "controls"),
        ("lens", {}, "lens needs neuron, a text"),
        ("lens", {"neuron": "L0.N0", "k": -1}, "k is a whole number"),
        ("activations", {}, "activations needs layer, a number"),
        ("activations", {"layer": True}, "layer is a number"),
        ("export", {"path": "", "format": "csv"}, "path is a path, as text"),
        ("export", {"path": "out.csv", "format": "csv", "wide": "yes"}, "wide is true or false"),
        ("export", {"path": "out.csv", "format": "csv", "rows": [0.5]}, "rows is a list of row numbers, or null"),
    ],
)
def test_params_that_make_no_sense_are_refused(
    engine: Engine, run_folder: str, method: str, params: dict[str, Any], said: str
) -> None:
    error = engine.ask(method, run=run_folder, **params)["error"]
    assert error["code"] == rpc.INVALID_PARAMS
    assert said in error["message"]


@pytest.mark.parametrize("method", ["confirm", "causes", "ablate", "lens"])
def test_a_run_must_be_named_and_there(engine: Engine, tmp_path: Path, method: str) -> None:
    assert engine.ask(method)["error"]["code"] == rpc.INVALID_PARAMS
    error = engine.ask(method, run=str(tmp_path / "nowhere"), neurons=["L0.N0"], neuron="L0.N0")["error"]
    assert (error["code"], error["data"]["kind"]) == (rpc.FAILED, "RunError")
    export_run(recorded_run(tmp_path / "recorded"), tmp_path / "out.csv", ExportRequest("csv"))
    error = engine.ask(method, run=str(tmp_path / "out.csv"), neurons=["L0.N0"], neuron="L0.N0")["error"]
    assert error["data"]["kind"] == "RunError"
    assert error["data"]["hint"] == "Scan the model itself."


@pytest.mark.parametrize(("neuron", "said"), [("L0.N80", "L0.N80 is not in this run"), ("seven", "not the name")])
def test_a_neuron_that_is_not_there_is_told_by_name(engine: Engine, run_folder: str, neuron: str, said: str) -> None:
    for method, params in (("ablate", {"neurons": ["L1.N0", neuron]}), ("lens", {"neuron": neuron})):
        error = engine.ask(method, run=run_folder, **params)["error"]
        assert error["data"]["kind"] == "UsageError"
        assert said in error["message"]
    assert not Run.open(run_folder).has("cause_measured")


def test_a_model_that_is_gone_is_told_with_what_to_do(engine: Engine, tmp_path: Path) -> None:
    run = recorded_run(tmp_path / "recorded")
    record = json.loads((tmp_path / "recorded" / "run.json").read_text())
    record["model"]["name"] = str(tmp_path / "no-model-here")
    (tmp_path / "recorded" / "run.json").write_text(json.dumps(record))
    error = engine.ask("confirm", run=str(run.path))["error"]
    assert error["data"]["kind"] == "ModelNotFound"
    assert error["data"]["hint"]
