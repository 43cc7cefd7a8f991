"""What the command line shows of the capture proof and of layers: ``doctor``, ``runs show`` and the end of a scan."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from support.recorded_run import Shape, recorded_run
from support.tiny_encoders import save_tiny
from support.tiny_models import save, tiny_model

from mechamap.cli.main import main
from mechamap.cli.scan_report import strongest_lines
from mechamap.runs.run import Run

Command = Callable[..., str]


@pytest.fixture
def mechamap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    monkeypatch.setenv("MECHAMAP_HOME", str(tmp_path / "home"))

    def run(*words: str | Path) -> str:
        capsys.readouterr()
        assert main([*map(str, words)]) == 0
        return capsys.readouterr().out

    return run


def cells(text: str, path: str) -> list[str]:
    """The row of the table that ends so."""
    return next(line.split() for line in text.splitlines() if line.endswith(path))


def test_doctor_shows_dense_layers_shared_and_routed_experts(
    tiny_models: Callable[..., Path], mechamap: Command
) -> None:
    told = mechamap("doctor", tiny_models("qwen2_moe"))
    assert "own code" in told
    assert cells(told, "layers.0.mlp.down_proj")[:2] == ["0", "80"]
    assert cells(told, "layers.1.mlp.shared_expert.down_proj")[-4:-1] == ["gated", "by", "token"]
    experts = cells(told, "layers.2.mlp.experts")
    assert experts[:2] == ["2", "4x24"]
    assert "-" not in experts, "every error was looked at"
    assert "\n5 parts of 3 layers proved: the largest errors are rebuild " in told


def test_doctor_shows_blocks_without_an_mlp_as_gaps(tiny_models: Callable[..., Path], mechamap: Command) -> None:
    told = mechamap("doctor", tiny_models("nemotron_h"))
    numbers = [line.split()[0] for line in told.splitlines() if ".mixer." in line]
    assert numbers == ["1", "3", "3"]
    assert "3 parts of 2 layers proved" in told


def test_doctor_shows_both_sides_and_what_is_not_defined(tmp_path: Path, mechamap: Command) -> None:
    told = mechamap("doctor", save_tiny(tmp_path / "bart", "bart", "AutoModelForSeq2SeqLM"))
    assert ", encoder-decoder, " in told
    assert cells(told, "model.encoder.layers.2.fc2")[:4] == ["2", "enc", "2", "80"]
    assert cells(told, "model.decoder.layers.0.fc2")[:4] == ["3", "dec", "0", "72"]
    assert "through final_layer_norm" in told
    assert "What neurons write is not defined: " in told


def overflowing(folder: Path) -> Path:
    """A model whose second layer writes more than float16 holds."""
    model = tiny_model("gpt_neox")
    mlp = model.gpt_neox.layers[1].mlp
    mlp.dense_h_to_4h.bias.data *= 3e4
    mlp.dense_h_to_4h.weight.data *= 3e4
    mlp.dense_4h_to_h.weight.data *= 30
    return save(model, folder)


def test_layers_that_overflow_are_named_with_what_to_do(tmp_path: Path, mechamap: Command) -> None:
    model = overflowing(tmp_path / "model")
    told = mechamap("doctor", model, "--dtype", "float16")
    assert "\n1 layer proved: " in told
    assert "\n2 layers not proved (layers 1-2): activations are NaN or infinite in float16. " in told
    assert "Load it with --dtype bfloat16 or float32." in told
    assert cells(told, "layers.1.mlp.dense_4h_to_h")[2:5] == ["-", "-", "-"]
    (tmp_path / "mine.yaml").write_text("dtype: float32\n")
    assert "3 layers proved" in mechamap("doctor", model, "--config", tmp_path / "mine.yaml")


def test_runs_show_has_the_proof_as_a_table_and_the_layers(tmp_path: Path, mechamap: Command) -> None:
    recorded_run(tmp_path / "run", width=8, shape=Shape(experts=3, shared=4))
    told = mechamap("runs", "show", tmp_path / "run")
    assert "neurons    64 in layers 0: 8; 1-2: 3x8 +4 shared" in told
    assert "proof      5 parts of 3 layers proved: the largest errors are rebuild 5.0e-07" in told
    assert cells(told, "model.layers.2.mlp.experts")[:2] == ["2", "3x8"]
    assert "{" not in told


def test_runs_show_a_run_of_an_older_version(tmp_path: Path, mechamap: Command) -> None:
    recorded_run(tmp_path / "run")
    old = {"layer": 0, "path": "h.0.fc2", "width": 16, "expected_width": 16, "tokens": 8, "rebuild_error": 2e-7,
           "zero_error": 0.0, "tolerance": 1e-4}  # fmt: skip
    record = json.loads((tmp_path / "run" / "run.json").read_text())
    (tmp_path / "run" / "run.json").write_text(json.dumps(record | {"proof": [old]}))
    told = mechamap("runs", "show", tmp_path / "run")
    assert "proof      1 layer proved: the largest errors are rebuild 2.0e-07, zero 0; allowed 1.0e-04." in told
    assert cells(told, "h.0.fc2") == ["0", "16", "2.0e-07", "0", "1.0e-04", "-", "h.0.fc2"]


def test_the_strongest_neurons_of_experts_say_over_how_many_tokens(tmp_path: Path) -> None:
    run = recorded_run(tmp_path / "run", width=4, shape=Shape(experts=3, shared=2))
    run._arrays["occurrences"] = np.full((run.neurons, len(run.categories)), 5, np.float32)
    lines = strongest_lines(run)
    for line in lines:
        name = next(word for word in line.split() if word.startswith("L"))
        row = run.row_of(name)
        over = f"over {run.figure('tokens')[row]:.0f} tokens"
        assert (over in " ".join(line.split())) == (run.expert_of[row] >= 0)
    assert any("over" in line for line in lines)
    assert not any("over" in line for line in strongest_lines(dense(tmp_path)))


def test_a_neuron_whose_expert_few_words_came_to_is_not_among_the_strongest(tmp_path: Path) -> None:
    run = recorded_run(tmp_path / "run", width=4, shape=Shape(experts=3, shared=2))
    run._arrays["occurrences"] = np.where((run.expert_of >= 0)[:, None], 4, 20) * np.ones((1, len(run.categories)))
    names = [next(word for word in line.split() if word.startswith("L")) for line in strongest_lines(run)]
    assert names
    assert not any("E" in name for name in names)
    run._arrays["occurrences"] = np.full((run.neurons, len(run.categories)), 4.0)
    assert all("fewer than 5 of its words were routed to any expert" in line for line in strongest_lines(run))


def dense(tmp_path: Path) -> Run:
    return recorded_run(tmp_path / "dense")
