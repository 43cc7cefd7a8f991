"""Several models scanned one after another: what a sweep does with each, however the others end."""

from __future__ import annotations

import gc
import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from mechamap.config.schema import config_from_dict
from mechamap.config.sweep_models import SweptModel
from mechamap.engine.calls import Request
from mechamap.engine.methods import METHODS
from mechamap.errors import Cancelled, ModelNotFound, RunError, UsageError
from mechamap.events import LayerFinished, ModelFinished, ModelStarted, ScanEvent, SweepFinished
from mechamap.models.loaded import LoadedModel
from mechamap.runs.run import Run
from mechamap.scan.prepare import ScanRequest
from mechamap.scan.sweep import check_jobs, resumed, sweep
from mechamap.scan.sweep_jobs import SweepConfig, SweepJob, sweep_jobs
from mechamap.scan.with_checks import Checks

CONFIG = config_from_dict(
    {
        "categories": {"animal": ["dog", "cat", "horse", "cow"], "food": ["apple", "bread", "egg", "rice"]},
        "texts": ["The dog and a cat ate an apple, bread and an egg. A horse saw the cow eat rice."],
        "templates": ["The next word is {}", "She said {}"],
        "contrast": ["table", "window", "mirror", "hammer", "pencil", "button"],
        "device": "cpu",
        "second_text": "never",
    }
)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MECHAMAP_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Models this small are computed sooner than two threads have met."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def damaged(tiny_models: Callable[..., Path], tmp_path: Path) -> Path:
    """A model whose weights are cut short."""
    folder = tmp_path / "damaged"
    folder.mkdir()
    for file in tiny_models("gpt2").iterdir():
        data = file.read_bytes()
        (folder / file.name).write_bytes(data[:100] if file.suffix == ".safetensors" else data)
    return folder


def jobs_of(*models: SweptModel | str | Path, out: Path | None = None, resume: bool = False) -> tuple[SweepJob, ...]:
    swept = [its if isinstance(its, SweptModel) else SweptModel(str(its)) for its in models]
    return sweep_jobs(SweepConfig(CONFIG, tuple(swept)), out=out, resume=resume)


def run_of(ended: ModelFinished) -> Run:
    assert ended.run is not None
    return Run.open(ended.run)


def test_each_model_becomes_a_run_that_is_about_itself_alone(tiny_models: Callable[..., Path], tmp_path: Path) -> None:
    gpt2, llama = tiny_models("gpt2"), tiny_models("llama")
    jobs = jobs_of(gpt2, SweptModel(str(llama), "second", {"layers": "1", "limit_neurons": 7}), out=tmp_path / "out")
    ended = sweep(jobs, Checks())
    assert [its.state for its in ended] == ["complete", "complete"]
    first, second = map(run_of, ended)
    assert (first.neurons, second.neurons) == (240, 7)
    assert second.path == tmp_path / "out" / "second"
    assert second.label == "second"
    assert second.record.model.name == str(llama)
    plain = json.loads((second.path / "run.json").read_text())["config"]
    assert "models" not in plain
    assert config_from_dict(plain) == jobs[1].config


def test_without_a_folder_the_runs_are_in_the_data_folder_called_by_their_labels(
    tiny_models: Callable[..., Path], home: Path
) -> None:
    gpt2 = str(tiny_models("gpt2"))
    jobs = jobs_of(SweptModel(gpt2, "my model"), SweptModel(gpt2, "half", {"dtype": "bfloat16"}))
    ended = sweep(jobs, Checks())
    assert [its.run for its in ended] == [home / "runs" / "my-model-1", home / "runs" / "half-1"]
    assert [run_of(its).record.model.dtype for its in ended] == ["float32", "bfloat16"]


def test_a_model_that_fails_does_not_stop_the_others(
    tiny_models: Callable[..., Path], damaged: Path, tmp_path: Path
) -> None:
    jobs = jobs_of(tiny_models("gpt2"), damaged, tiny_models("llama"), out=tmp_path / "out")
    told: list[ScanEvent] = []
    ended = sweep(jobs, Checks(), told.append)
    assert [its.state for its in ended] == ["complete", "failed", "complete"]
    assert ended[1].kind == "WeightsError"
    assert "damaged" in ended[1].message
    assert ended[1].run is None
    assert isinstance(told[-1], SweepFinished)
    assert list(told[-1].states.values()) == ["complete", "failed", "complete"]


def test_what_nobody_foresaw_does_not_stop_the_others_either(
    tiny_models: Callable[..., Path], tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mechamap.scan import with_checks as scan_checks

    real = scan_checks.scan_and_check

    def broken(request: ScanRequest, *rest: Any) -> Run:
        if request.label == "first":
            raise ZeroDivisionError("nobody thought of this")
        return real(request, *rest)

    monkeypatch.setattr(scan_checks, "scan_and_check", broken)
    gpt2 = str(tiny_models("gpt2"))
    jobs = jobs_of(SweptModel(gpt2, "first"), SweptModel(gpt2, "second", {"layers": "0"}), out=tmp_path / "out")
    ended = sweep(jobs, Checks())
    assert [its.state for its in ended] == ["failed", "complete"]
    assert ended[0].message == "ZeroDivisionError: nobody thought of this"
    assert "nobody thought of this" in (home / "log" / "failures.log").read_text()


def test_a_model_is_out_of_memory_before_the_next_is_loaded(
    tiny_models: Callable[..., Path], damaged: Path, tmp_path: Path
) -> None:
    def in_memory() -> int:
        return sum(type(its) is LoadedModel for its in gc.get_objects())

    gc.collect()  # what earlier tests left
    before, at_starts = in_memory(), []

    def see(event: ScanEvent) -> None:
        if isinstance(event, ModelStarted):
            at_starts.append(in_memory())

    jobs = jobs_of(tiny_models("gpt2"), damaged, tiny_models("llama"), out=tmp_path / "out")
    sweep(jobs, Checks(confirm=True), see)
    assert at_starts == [before] * 3


def test_a_sweep_that_is_cancelled_keeps_what_is_finished_and_is_gone_on_with(
    tiny_models: Callable[..., Path], tmp_path: Path
) -> None:
    folders = [tiny_models("gpt2"), tiny_models("llama"), tiny_models("qwen2")]
    cancel = threading.Event()
    told: list[ScanEvent] = []

    def stop_in_the_second(event: ScanEvent) -> None:
        told.append(event)
        models = sum(isinstance(its, ModelStarted) for its in told)
        if isinstance(event, LayerFinished) and models == 2:
            cancel.set()

    with pytest.raises(Cancelled):
        sweep(jobs_of(*folders, out=tmp_path / "out"), Checks(), stop_in_the_second, cancel)
    assert isinstance(told[-1], SweepFinished)
    assert list(told[-1].states.values()) == ["complete", "cancelled", "not begun"]
    begun = Run.open(tmp_path / "out" / jobs_of(*folders)[1].label)
    assert [layer.complete for layer in begun.layers] == [True, False, False]

    again: list[ScanEvent] = []
    ended = sweep(jobs_of(*folders, out=tmp_path / "out", resume=True), Checks(), again.append)
    assert [its.state for its in ended] == ["kept", "complete", "complete"]
    assert [event.layer for event in again if isinstance(event, LayerFinished)] == [1, 2, 0, 1, 2]


def test_a_complete_run_is_given_the_checks_it_lacks_and_keeps_its_own(
    tiny_models: Callable[..., Path], tmp_path: Path
) -> None:
    gpt2 = tiny_models("gpt2")
    (ended,) = sweep(jobs_of(gpt2, out=tmp_path / "out"), Checks())
    assert not run_of(ended).has("p")
    again = jobs_of(gpt2, out=tmp_path / "out", resume=True)
    (ended,) = sweep(again, Checks(confirm=True))
    assert ended.state == "complete"
    confirmed = run_of(ended).record.confirmation
    assert confirmed
    (ended,) = sweep(again, Checks(confirm=True, causes=True))
    assert run_of(ended).has("cause")
    assert run_of(ended).record.confirmation == confirmed
    (ended,) = sweep(again, Checks(confirm=True, causes=True))
    assert ended.state == "kept"


def test_runs_in_the_data_folder_are_gone_on_with_where_they_are_the_same_scan(
    tiny_models: Callable[..., Path], home: Path
) -> None:
    gpt2 = str(tiny_models("gpt2"))
    sweep(jobs_of(SweptModel(gpt2, "one"), SweptModel(gpt2, "other", {"layers": "0"})), Checks())
    asked = resumed(
        jobs_of(SweptModel(gpt2, "one"), SweptModel(gpt2, "other", {"layers": "1"}), resume=True)
    )  # fmt: skip
    assert [job.out for job in asked] == [home / "runs" / "one-1", None]
    ended = sweep(asked, Checks())
    assert [(its.state, its.run) for its in ended] == [
        ("kept", home / "runs" / "one-1"),
        ("complete", home / "runs" / "other-2"),
    ]


def test_what_can_be_known_to_be_wrong_is_told_before_the_first_scan(
    tiny_models: Callable[..., Path], tmp_path: Path
) -> None:
    gpt2 = tiny_models("gpt2")
    placed = SweptModel(str(tmp_path / "nowhere"), where="sweep.yaml:3:5")
    with pytest.raises(ModelNotFound, match=r"sweep\.yaml:3:5: No such file or folder:"):
        check_jobs(jobs_of(gpt2, placed))
    with pytest.raises(ModelNotFound, match="not a valid hub id"):
        check_jobs(jobs_of(gpt2, "not a model"))
    with pytest.raises(UsageError, match="is not on the hub, so it has no revision 'main'"):
        check_jobs(jobs_of(gpt2, SweptModel("demo", settings={"revision": "main"})))
    sweep(jobs_of(gpt2, out=tmp_path / "out"), Checks())
    with pytest.raises(RunError, match="holds a run already"):
        check_jobs(jobs_of(gpt2, "demo", out=tmp_path / "out"))
    check_jobs(jobs_of(gpt2, "demo", out=tmp_path / "out", resume=True))
    changed = SweptModel(str(gpt2), settings={"window": 16})
    with pytest.raises(RunError, match="different settings: window"):
        check_jobs(jobs_of(changed, out=tmp_path / "out", resume=True))
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match="is a file"):
        check_jobs(jobs_of(gpt2, out=tmp_path / "file"))


def test_the_engines_plan_says_that_it_passes_over_a_list(tmp_path: Path) -> None:
    file = tmp_path / "sweep.yaml"
    file.write_text("device: cpu\nmodels: [gpt2, demo]\n")

    def notes(**params: object) -> str:
        call = Request(1, "plan", {"model": "demo", **params}, lambda method, told: None)
        return " ".join(METHODS.queued["plan"](call).notes)

    said = notes(config_file=str(file))
    sweep = f"`mechamap scan --config {file}` on the command line"
    assert f"The config file lists 2 models; {sweep} scans those, and here demo alone." in said
    assert "lists" not in notes()
