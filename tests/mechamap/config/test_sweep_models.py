"""The ``models:`` of a config file: what may stand there, and what is said where it does not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mechamap.cli.main import main
from mechamap.config.scan_config import config_to_dict
from mechamap.config.schema import config_from_dict, configs_folder, default_config, load_config, with_overrides
from mechamap.config.sweep_models import SweptModel
from mechamap.errors import ConfigError, UsageError
from mechamap.scan.sweep_jobs import SweepConfig, load_sweep, sweep_jobs, sweep_to_yaml


def written(folder: Path, text: str, name: str = "sweep.yaml") -> Path:
    (folder / name).write_text(text)
    return folder / name


def models(folder: Path, text: str) -> tuple[SweptModel, ...]:
    return load_sweep(written(folder, text)).models


def model_folder(path: Path) -> Path:
    path.mkdir(parents=True)
    (path / "config.json").write_text("{}")
    return path


def test_the_default_lists_no_model() -> None:
    assert load_sweep(None) == SweepConfig(default_config(), ())
    assert load_sweep(configs_folder() / "default.yaml").models == ()


@pytest.mark.parametrize("text", ["models: []", "models:", "models: null", "window: 99"])
def test_a_list_may_be_empty_or_missing(tmp_path: Path, text: str) -> None:
    assert models(tmp_path, text) == ()


def test_a_model_is_a_name_or_a_name_with_what_differs(tmp_path: Path) -> None:
    found = models(
        tmp_path,
        "models:\n- gpt2\n- {model: demo, dtype: float16, layers: 0-1, label: half}\n- model: a/b\n  revision: 7",
    )
    assert found == (
        SweptModel("gpt2"),
        SweptModel("demo", "half", {"dtype": "float16", "layers": "0-1"}),
        SweptModel("a/b", "", {"revision": "7"}),
    )


def test_a_path_is_meant_relative_to_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    beside = model_folder(tmp_path / "configs" / "tuned")
    above = model_folder(tmp_path / "base")
    (tmp_path / "configs" / "small.gguf").write_bytes(b"GGUF")
    path = written(tmp_path / "configs", "models: [tuned, ../base, {model: small.gguf}, ./missing, hub/name, demo]")
    monkeypatch.chdir(tmp_path)
    names = [model.name for model in load_sweep(Path("configs") / path.name).models]
    missing, gguf = str(tmp_path / "configs" / "missing"), str(tmp_path / "configs" / "small.gguf")
    assert names == [str(beside), str(above), gguf, missing, "hub/name", "demo"]


def test_a_folder_that_is_no_model_does_not_stand_in_the_way_of_one_called_like_it(tmp_path: Path) -> None:
    (tmp_path / "gpt2").mkdir()
    (tmp_path / "mine").mkdir()
    assert [model.name for model in models(tmp_path, "models: [gpt2, mine]")] == ["gpt2", str(tmp_path / "mine")]


def test_a_folder_called_by_a_number_is_a_name(tmp_path: Path) -> None:
    folder = model_folder(tmp_path / "007")
    assert models(tmp_path, "models: [007]") == (SweptModel(str(folder)),)


def test_a_scan_of_one_model_has_a_config_without_the_list(tmp_path: Path) -> None:
    config = load_config(written(tmp_path, "window: 99\nmodels: [gpt2, demo]"))
    assert config.window == 99
    assert "models" not in config_to_dict(config)
    assert config_from_dict({"window": 99, "models": ["gpt2"]}) == config


def test_a_request_for_one_scan_cannot_list_models() -> None:
    with pytest.raises(UsageError, match="models is not a setting of one scan"):
        with_overrides(default_config(), models=["gpt2"])


def test_the_whole_file_is_written_and_read_back_the_same(tmp_path: Path) -> None:
    model_folder(tmp_path / "tuned")
    sweep = load_sweep(
        written(
            tmp_path,
            "threshold: 0.5\nmodels: [gpt2, {model: tuned, label: mine}, {model: gpt2, quantize: null, revision: 1e5}, "
            '{model: x/y, device_map: {"": cpu}, neurons: "a.{layer}.b", limit_neurons: null, trust_remote_code: yes}]',
        )
    )
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    assert load_sweep(written(elsewhere, sweep_to_yaml(sweep))) == sweep
    assert sweep.models[3].settings["neurons"] == ("a.{layer}.b",)


@pytest.mark.parametrize(
    ("text", "place", "says"),
    [
        ("models: gpt2", "1:9", 'models is the text "gpt2", expected a list of models'),
        ("models: {model: gpt2}", "1:9", "models is a mapping"),
        ("models: [yes]", "1:10", "a model is the yes-or-no value yes"),
        ("models: [' ']", "1:10", "a model is an empty text"),
        ("models: [[gpt2]]", "1:10", "a model is a list"),
        ("models:\n  - gpt2\n  -", "3:4", "a model is nothing"),
        ("models:\n- model:\n  dtype: float16", "2:3", "a model is nothing"),
        ("models: [{dtype: float16}]", "1:10", "a mapping without model"),
        ("models:\n- gpt2:\n    dtype: float16", "2:3", "Write model: gpt2, and its settings beside it."),
        ("models:\n- {model: a, dtpye: float16}", "2:14", 'Did you mean "dtype"?'),
        ("models:\n- {modle: a, dtype: float16}", "2:3", "a mapping without model"),
        ("models:\n- {model: a, dtype: fp16}", "2:21", 'Did you mean "float16"?'),
        ("models:\n- {model: a, layers: 5-3}", "2:22", "runs backwards"),
        ("models:\n- {model: a, texts: [b]}", "2:14", "expected it at the top of the file"),
        ("models:\n- {model: a, categories: {b: [c]}}", "2:14", "It is the same for all models."),
        ("models:\n- {model: a, device: cpu, device_map: auto}", "2:39", "given together with device cpu"),
        ("models:\n- {model: a, label: ../up}", "2:21", 'a label is the text "../up"'),
        ("models:\n- {model: a, label: .hidden}", "2:21", "a label is"),
        ("models:\n- {model: a, label: ''}", "2:21", "a label is an empty text"),
        ("models:\n- {model: a, label: b}\n- {model: c, label: B}", "3:21", 'the label "B" a second time'),
        ("model: [gpt2]", "1:1", 'Did you mean "models"?'),
    ],
)
def test_a_mistake_is_named_by_its_place(tmp_path: Path, text: str, place: str, says: str) -> None:
    path = written(tmp_path, text)
    for load in (load_sweep, load_config):  # whoever scans one model of the file is told too
        with pytest.raises(ConfigError) as caught:
            load(path)
        assert caught.value.message.startswith(f"{path}:{place}: ")
        assert says in str(caught.value)


@pytest.mark.parametrize(
    "listed",
    [
        "[demo, demo]",
        "[gpt2, {model: openai-community/gpt2}]",
        "[gpt2, {model: gpt2, dtype: float32}]",  # which is what the file says for all
        "[{model: gpt2, label: one, layers: 0-5}, {model: gpt2, label: two, layers: '0 - 5'}]",
    ],
)
def test_the_same_scan_twice_is_a_mistake(tmp_path: Path, listed: str) -> None:
    path = written(tmp_path, f"dtype: float32\nmodels: {listed}")
    with pytest.raises(ConfigError) as caught:
        sweep_jobs(load_sweep(path))
    assert caught.value.message.startswith(f"{path}:2:")
    assert "listed twice with the same settings" in caught.value.message
    assert f"It is already listed in {path}:2:10." in caught.value.hint


def test_what_a_model_says_wins_over_the_file_and_a_flag_over_both(tmp_path: Path) -> None:
    sweep = load_sweep(
        written(tmp_path, "window: 64\nlayers: 0-3\nmodels: [demo, {model: demo, window: 32, limit_neurons: 9}]")
    )
    plain = [(job.config.window, job.config.layers, job.config.limit_neurons) for job in sweep_jobs(sweep)]
    assert plain == [(64, "0-3", None), (32, "0-3", 9)]
    flagged = sweep_jobs(sweep, {"window": 16, "texts": ["A text."]})
    assert [(job.config.window, job.config.limit_neurons) for job in flagged] == [(16, None), (16, 9)]
    assert {job.config.texts for job in flagged} == {("A text.",)}


def test_a_device_of_a_model_takes_the_place_of_the_files_map(tmp_path: Path) -> None:
    sweep = load_sweep(written(tmp_path, "device_map: auto\nmodels: [a/b, {model: a/b, device: cpu}]"))
    assert [(job.config.device, job.config.device_map) for job in sweep_jobs(sweep)] == [
        ("auto", "auto"),
        ("cpu", None),
    ]


def test_a_flag_that_makes_two_scans_the_same_is_refused(tmp_path: Path) -> None:
    sweep = load_sweep(written(tmp_path, "models: [{model: demo, dtype: float16}, {model: demo, dtype: float32}]"))
    with pytest.raises(UsageError, match="demo is listed twice") as caught:
        sweep_jobs(sweep, {"dtype": "bfloat16"})
    assert "dtype on the command line applies to every model" in caught.value.hint


@pytest.mark.parametrize(
    ("listed", "labels"),
    [
        (["gpt2", "demo", "EleutherAI/pythia-70m"], ["gpt2", "demo", "pythia-70m"]),
        (["demo", {"model": "demo", "dtype": "float16"}], ["demo", "demo-float16"]),
        ([{"model": "demo", "dtype": "float16"}], ["demo"]),
        (
            [{"model": "p/q", "revision": "step1"}, {"model": "p/q", "revision": "step2", "layers": "0-1"}],
            ["q-step1", "q-step2-layers-0-1"],
        ),
        (["a/final", "b/final", "b/Final2"], ["a-final", "b-final", "Final2"]),
        ([{"model": "p/q", "label": "demo"}, "demo"], ["demo", "demo-2"]),
        ([{"model": "p/q", "neurons": ("a.{layer}",)}, {"model": "p/q", "neurons": ("b.{layer}",)}],
         ["q-neurons", "q-neurons-2"]),
    ],
)  # fmt: skip
def test_a_run_is_called_by_its_model_and_by_what_tells_it_from_others(listed: list[Any], labels: list[str]) -> None:
    sweep = SweepConfig(default_config(), tuple(map(as_model, listed)))
    assert [job.label for job in sweep_jobs(sweep)] == labels


def as_model(plain: Any) -> SweptModel:
    if isinstance(plain, str):
        return SweptModel(plain)
    settings = {key: value for key, value in plain.items() if key not in ("model", "label")}
    return SweptModel(plain["model"], plain.get("label", ""), settings)


def test_checking_a_config_says_what_it_would_scan(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = written(tmp_path, "models: [gpt2, {model: gpt2, dtype: bfloat16}]")
    assert main(["config", "check", str(path)]) == 0
    assert capsys.readouterr().out.splitlines()[-3:] == ["2 models to scan", "  gpt2: gpt2", "  gpt2-bfloat16: gpt2"]
    assert main(["config", "show", str(path)]) == 0
    whole = written(tmp_path, capsys.readouterr().out, "whole.yaml")
    assert load_sweep(whole) == load_sweep(path)
    written(tmp_path, "models: [demo, demo]")
    assert main(["config", "check", str(path)]) == 2
    assert f"{path}:1:16: demo is listed twice" in capsys.readouterr().err


def test_the_example_of_a_sweep_is_right() -> None:
    labels = [job.label for job in sweep_jobs(load_sweep(configs_folder() / "sweep.yaml"))]
    assert labels == ["gpt2", "pythia-70m", "pythia-70m-early", "SmolLM2-135M"]
