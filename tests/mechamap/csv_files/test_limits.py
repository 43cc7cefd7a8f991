"""Numbers beyond the model that a CSV is about are refused where its config is at hand, and nowhere else."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support.small_csv import refused, written

from mechamap.catalog.source import demo_folder
from mechamap.csv_files.limits import limits_of_config, limits_of_model
from mechamap.csv_files.run import read_csv


def model_folder(folder: Path, **config: Any) -> Path:
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(config))
    return folder


def test_a_neuron_that_the_bundled_model_does_not_have_is_named(tmp_path: Path) -> None:
    rows = "demo,3,639,food,0.5,[]\ndemo,0,640,food,0.5,[]\n"
    said, hint = refused(written(tmp_path, rows))
    assert said == "row 3, column neuron: 640 is beyond the model: a layer of demo has 640 neurons at most, 0 to 639."
    assert hint.startswith(f"This is from {demo_folder() / 'config.json'}.")


def test_a_layer_that_the_model_in_a_folder_does_not_have_is_named(tmp_path: Path) -> None:
    folder = model_folder(tmp_path / "model", num_hidden_layers=2, intermediate_size=8)
    said, _ = refused(written(tmp_path, f"{folder},0,0,food,0.5,[]\n{folder},2,0,food,0.5,[]\n"))
    assert said == f"row 3, column layer: 2 is beyond the model: {folder} has 2 layers at most, 0 to 1."


def test_a_wide_file_is_checked_where_the_model_is_given(tmp_path: Path) -> None:
    path = written(tmp_path, "0,640,0.5\n", "layer,neuron,mean.food\n")
    assert read_csv(path).neurons == 1
    assert "640 is beyond the model" in refused(path, model="demo")[0]


def test_a_model_in_the_hub_cache_is_found_by_its_short_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    repository = tmp_path / "models--openai-community--gpt2"
    model_folder(repository / "snapshots" / "abc", model_type="gpt2", n_layer=12, n_embd=768, n_inner=None)
    limits = limits_of_model("gpt2")
    assert limits is not None and (limits.layers, limits.neurons) == (12, 3072)
    model_folder(repository / "snapshots" / "def", model_type="gpt2", n_layer=1, n_embd=8)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text("def\n")
    limits = limits_of_model("gpt2")
    assert limits is not None and (limits.layers, limits.neurons) == (1, 32)


@pytest.mark.parametrize("model", ["no/such-model", "", "../x", "m" * 300, "some model", "some.csv", "a\x01b"])
def test_a_model_that_is_not_at_hand_sets_no_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, model: str) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    assert read_csv(written(tmp_path, f"{model},999,99999,food,0.5,[]\n")).neurons == 1


@pytest.mark.parametrize("content", ["", "[]", "{", '{"model_type": "new"}', '{"num_hidden_layers": "many"}'])
def test_a_config_that_says_nothing_sets_no_limit(tmp_path: Path, content: str) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "config.json").write_text(content)
    assert read_csv(written(tmp_path, f"{folder},999,99999,food,0.5,[]\n")).neurons == 1


@pytest.mark.parametrize(
    ("config", "limits"),
    [
        ({"num_hidden_layers": 32, "intermediate_size": 14336}, (32, 14336)),
        ({"model_type": "gpt2", "n_layer": 12, "n_embd": 768}, (12, 3072)),
        ({"n_layer": 28, "n_embd": 4096, "n_inner": None}, (28, 16384)),
        ({"num_hidden_layers": 24, "hidden_size": 2048, "ffn_dim": 8192}, (24, 8192)),
        ({"num_hidden_layers": 35, "intermediate_size": [8192] * 10 + [16384] * 25}, (35, 16384)),
        ({"text_config": {"num_hidden_layers": 34, "intermediate_size": 10240}}, (34, 10240)),
        (  # DeepSeek: dense layers of 18432, others of 256 experts of 2048 and a shared one
            {"num_hidden_layers": 61, "num_nextn_predict_layers": 1, "intermediate_size": 18432,
             "moe_intermediate_size": 2048, "n_routed_experts": 256, "n_shared_experts": 1},
            (62, 256 * 2048 + 18432),
        ),
        ({"num_hidden_layers": 32, "intermediate_size": 14336, "num_local_experts": 8}, (32, 9 * 14336)),
        ({"is_encoder_decoder": True, "num_layers": 12, "d_ff": 3072}, (24, 3072)),
        ({"encoder_layers": 12, "decoder_layers": 6, "encoder_ffn_dim": 4096, "decoder_ffn_dim": 2048}, (18, 4096)),
        ({"encoder": {"num_hidden_layers": 3, "intermediate_size": 8},
          "decoder": {"num_hidden_layers": 2, "intermediate_size": 9}}, (5, 9)),
        ({"n_layers": 32, "d_model": 4096, "expansion_ratio": 4}, (32, None)),
        ({"num_hidden_layers": 16, "intermediate_size": 8192, "block_ffn_dim_multiplier": 1.5}, (16, None)),
        ({"num_hidden_layers": 16, "n_inner": 8, "auto_map": {"AutoConfig": "its.own"}}, (None, None)),
    ],
)  # fmt: skip
def test_what_configs_say_of_sizes(config: dict[str, Any], limits: tuple[int | None, int | None]) -> None:
    assert limits_of_config(config) == limits


def test_limits_need_neither_torch_nor_transformers(tmp_path: Path) -> None:
    path = str(written(tmp_path, "demo,0,0,food,0.5,[]\n"))
    script = (
        "import pathlib, sys\nfrom mechamap.csv_files.run import read_csv\n"
        f"read_csv(pathlib.Path({path!r}))\nprint(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert {"torch", "transformers", "pandas", "huggingface_hub", "mechamap.models"}.isdisjoint(done.stdout.split())
