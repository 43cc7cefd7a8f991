"""What a plan says of memory and disk, against what real scans take."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from support.by_name import load_configured, plan_scan, scan_request
from support.smollm2 import CannotFetch, smollm2_gguf
from support.tiny_encoders import save_tiny
from support.tiny_models import save_tiny_model

from mechamap.config.scan_config import ScanConfig
from mechamap.config.schema import default_config, with_overrides
from mechamap.plan.time_need import Speed, scan_seconds
from mechamap.scan.scan import scan
from mechamap.scan.with_checks import Checks, scan_and_check


def config_of(**changes: object) -> ScanConfig:
    return with_overrides(default_config(), device="cpu", **{"second_text": "never"} | changes)


@pytest.mark.parametrize(
    ("model_type", "changes"),
    [
        ("gpt2", {}),
        ("gpt2", {"keep_activations": "never"}),
        ("llama", {"layers": "0,2", "limit_neurons": 17}),
        ("llama", {"categories": {"one": {"words": ["apple"]}}, "top_k_tokens": 3}),
        ("mixtral", {"limit_neurons": 10}),
        ("qwen2_moe", {"keep_activations": "never"}),
        ("t5", {}),
    ],
)
def test_a_run_is_as_large_as_planned(tmp_path: Path, model_type: str, changes: dict[str, object]) -> None:
    folder = tmp_path / "model"
    if model_type == "t5":
        save_tiny(folder, model_type, "AutoModelForSeq2SeqLM")
    else:
        save_tiny_model(folder, model_type)
    config = config_of(**changes)
    planned = plan_scan(str(folder), config).run
    run = scan(scan_request(str(folder), config, tmp_path / "run"))
    assert run.path is not None
    figures = sum(file.stat().st_size for file in run.path.glob("*.npy"))
    assert planned.figures == figures
    assert planned.activations == sum(file.stat().st_size for file in run.path.glob("activations/*"))
    assert planned.record == pytest.approx((run.path / "run.json").stat().st_size, rel=0.05)


def test_the_run_of_the_bundled_model_is_as_large_as_planned(tmp_path: Path) -> None:
    run = scan(scan_request("demo", config_of(), tmp_path / "run"))
    assert run.path is not None
    size = sum(file.stat().st_size for file in run.path.rglob("*") if file.is_file())
    assert plan_scan("demo", config_of()).run.total == pytest.approx(size, rel=0.01)


def test_what_a_second_text_adds_is_planned(tmp_path: Path) -> None:
    config = config_of(second_text="always")
    planned = plan_scan("demo", config).run
    run = scan_and_check(scan_request("demo", config, tmp_path / "run"), Checks())
    assert run.path is not None
    assert planned.figures == sum(file.stat().st_size for file in run.path.glob("*.npy"))
    assert planned.record == pytest.approx((run.path / "run.json").stat().st_size, rel=0.15)


@pytest.mark.parametrize("dtype", ["auto", "bfloat16", "float16"])
def test_weights_take_the_bytes_that_they_take_when_loaded(tmp_path: Path, dtype: str) -> None:
    folder = save_tiny(tmp_path, "t5", "AutoModelForSeq2SeqLM")  # some of whose weights stay in float32
    config = config_of(dtype=dtype)
    weights = plan_scan(str(folder), config).scan.weights
    loaded = load_configured(str(folder), config)
    real = sum(its.numel() * its.element_size() for its in loaded.model.parameters())
    assert weights.total == pytest.approx(real, abs=len(weights.blocks) + 1)


@pytest.mark.parametrize(("layers", "blocks"), [("all", 3), ("0", 1), ("0-1", 2), ("1", 2)])
def test_blocks_above_the_last_layer_are_not_planned_and_not_loaded(
    tiny_models: Callable[..., Path], layers: str, blocks: int
) -> None:
    folder, config = str(tiny_models("llama")), config_of(layers=layers)
    it = plan_scan(folder, config).scan
    loaded = load_configured(folder, config, whole=False)
    assert it.loaded == sum(its.numel() * its.element_size() for its in loaded.model.parameters())
    assert it.loaded == it.weights.up_to(blocks)
    whole = plan_scan(folder, config, whole=True).scan
    assert whole.loaded == it.weights.total


def test_packed_weights_are_as_large_as_their_files_and_unpacked_ones_are_not(tmp_path: Path) -> None:
    folder = save_tiny_model(tmp_path, "llama")
    config = json.loads((folder / "config.json").read_text())

    def planned(packing: dict[str, object]) -> tuple[str, int]:
        (folder / "config.json").write_text(json.dumps({**config, "quantization_config": packing}))
        weights = plan_scan(str(folder), config_of()).scan.weights
        return weights.packed, weights.total

    size = (folder / "model.safetensors").stat().st_size
    assert planned({"quant_method": "bitsandbytes", "load_in_8bit": True}) == ("bitsandbytes", size)
    whole = plan_scan(str(save_tiny_model(tmp_path / "whole", "llama")), config_of()).scan.weights.total
    assert planned({"quant_method": "fp8"}) == ("", whole)


def test_packing_weights_while_they_are_read_makes_those_of_linear_layers_smaller(
    tiny_models: Callable[..., Path],
) -> None:
    folder = str(tiny_models("llama"))
    whole, eight, four = (
        plan_scan(folder, config_of(quantize=quantize)).scan.weights for quantize in (None, "int8", "nf4")
    )
    assert whole.outside == eight.outside == four.outside
    assert sum(whole.blocks) / 4 < sum(eight.blocks) < sum(whole.blocks) / 3.5
    assert sum(whole.blocks) / 8 < sum(four.blocks) < sum(whole.blocks) / 6


@pytest.mark.smollm2
def test_a_gguf_file_is_planned_as_what_it_is_unpacked_to(smollm2_path: Path) -> None:
    try:
        gguf = smollm2_gguf()
    except CannotFetch as error:
        pytest.skip(f"the GGUF file is not here: {error}")
    of_file, of_folder = (plan_scan(str(path), config_of()) for path in (gguf, smollm2_path))
    assert of_file.scan.shape.parameters == of_folder.scan.shape.parameters
    assert of_file.scan.text.positions == of_folder.scan.text.positions
    assert (of_file.scan.weights.dtype, of_file.scan.weights.total) == ("float32", of_folder.scan.weights.total)
    assert of_file.scan.weights.stored == gguf.stat().st_size


# --- time: what it follows from; how near it comes is measured by hand (docs/plan.md) ------------------------


def test_time_follows_the_work_and_the_speed() -> None:
    def seconds(factor: float = 1.0, **changes: object) -> dict[str, float]:
        it = plan_scan("demo", config_of(**changes)).scan
        found = scan_seconds(it, Speed(factor * 1e9, factor * 1e9, 1e15), factor * 1e6, 0)
        return {"forward": found.forward, "score": found.score, "writes": found.writes, "total": found.total}

    once, twice = seconds(), seconds(texts=[*default_config().texts] * 2)
    assert twice["score"] == pytest.approx(2 * once["score"])
    assert twice["writes"] == once["writes"]
    faster, half = seconds(4.0), seconds(layers="0-1")
    assert faster["score"] == pytest.approx(once["score"] / 4)
    assert faster["writes"] == pytest.approx(once["writes"] / 4)
    assert half["score"] == pytest.approx(once["score"] / 2) and half["forward"] < once["forward"]
    few = seconds(limit_neurons=64)
    assert few["score"] == pytest.approx(once["score"] / 10) and few["forward"] == once["forward"]
    assert once["total"] == pytest.approx(sum(once[name] for name in ("forward", "score", "writes")), abs=4)
