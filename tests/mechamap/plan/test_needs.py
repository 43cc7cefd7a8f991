"""What a plan says of memory and disk, against what real scans take."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from smollm2 import CannotFetch, smollm2_gguf
from tiny_encoders import save_tiny
from tiny_models import save_tiny_model

from mechamap.config import ScanConfig, default_config, with_overrides
from mechamap.models import load_configured
from mechamap.plan import plan_scan
from mechamap.plan.speed import Speed
from mechamap.plan.time_need import scan_seconds
from mechamap.scan import ScanRequest, scan

ROOT = Path(__file__).parent.parent.parent.parent
TEXT = " ".join(["On Monday the dog ate a red apple in Paris, and the cat took a train to London."] * 1500)

# Runs a scan, and prints the most memory that its process had: what is its own, and files that are mapped.
MEASURED = """
import sys, threading, time
from pathlib import Path
from mechamap.cli import main

most = {"RssAnon": 0, "RssFile": 0}

def watch():
    while True:
        for line in Path("/proc/self/status").read_text().splitlines():
            name, _, value = line.partition(":")
            if name in most:
                most[name] = max(most[name], int(value.split()[0]) * 1024)
        time.sleep(0.002)

threading.Thread(target=watch, daemon=True).start()
code = main(sys.argv[1:])
print(code, most["RssAnon"], most["RssFile"])
"""

# How far the most memory of a scan may be from what its plan says.
FACTOR = 1.25


def measured(model: str, folder: Path, *flags: str) -> tuple[int, int]:
    """Most bytes of a real scan's process: its own, and of files that it has mapped."""
    command = [sys.executable, "-c", MEASURED, "scan", model, "--device", "cpu", "--out", str(folder / "run"), *flags]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=280, check=False)
    code, own, mapped = map(int, done.stdout.splitlines()[-1].split())
    assert code == 0, done.stderr
    return own, mapped


def config_of(**changes: object) -> ScanConfig:
    return with_overrides(default_config(), device="cpu", **changes)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the most memory a process had is read from /proc")
@pytest.mark.parametrize("long", [False, True])
def test_the_bundled_model_takes_the_memory_that_was_planned(tmp_path: Path, long: bool) -> None:
    (tmp_path / "text.txt").write_text(TEXT)
    config = config_of(texts=[TEXT]) if long else config_of()
    (need,) = plan_scan("demo", config).memory
    own, mapped = measured("demo", tmp_path, *(["--text", str(tmp_path / "text.txt")] if long else []))
    assert need.needed / FACTOR < own + mapped < need.needed * FACTOR
    if long:  # where the text is what takes the memory
        assert need.activations > 2 * need.weights and need.activations > 300e6


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the most memory a process had is read from /proc")
@pytest.mark.smollm2
@pytest.mark.parametrize(("dtype", "layers"), [("auto", "all"), ("bfloat16", "all"), ("auto", "0-2")])
def test_a_real_model_takes_the_memory_that_was_planned(
    smollm2_path: Path, tmp_path: Path, dtype: str, layers: str
) -> None:
    plan = plan_scan(str(smollm2_path), config_of(dtype=dtype, layers=layers))
    (need,) = plan.memory
    own, mapped = measured(str(smollm2_path), tmp_path, "--dtype", dtype, "--layers", layers)
    if plan.scan.weights.cast:  # pages of the file that they are cast from: given back when memory gets short
        mapped = min(mapped, 150_000_000)
    assert need.needed / FACTOR < own + mapped < need.needed * FACTOR


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
    run = scan(ScanRequest(str(folder), config, tmp_path / "run"))
    assert run.path is not None
    figures = sum(file.stat().st_size for file in run.path.glob("*.npy"))
    assert planned.figures == figures
    assert planned.activations == sum(file.stat().st_size for file in run.path.glob("activations/*"))
    assert planned.record == pytest.approx((run.path / "run.json").stat().st_size, rel=0.05)


def test_the_run_of_the_bundled_model_is_as_large_as_planned(tmp_path: Path) -> None:
    run = scan(ScanRequest("demo", config_of(), tmp_path / "run"))
    assert run.path is not None
    size = sum(file.stat().st_size for file in run.path.rglob("*") if file.is_file())
    assert plan_scan("demo", config_of()).run.total == pytest.approx(size, rel=0.01)


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
