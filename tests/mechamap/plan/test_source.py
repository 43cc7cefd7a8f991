"""Where a plan looks: at configs and headers, never at weights, and at the hub only for what is not in the cache."""

from __future__ import annotations

import json
import shutil
import struct
from collections.abc import Callable
from pathlib import Path

import pytest
from support.by_name import find_files, plan_scan
from support.fake_hub import hub_serving
from support.gguf_files import gguf_bytes
from support.tiny_models import save_tiny_model

from mechamap.config.schema import default_config, with_overrides
from mechamap.errors import ModelError, ModelNotFound
from mechamap.plan.scan_plan import ScanPlan
from mechamap.plan.source import stored_dtype

NOBODY = "http://127.0.0.1:9"  # the discard port: refused at once


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty hub cache, and nobody to fetch from."""
    folder = tmp_path / "hub"
    monkeypatch.setenv("HF_HUB_CACHE", str(folder))
    monkeypatch.setenv("HF_ENDPOINT", NOBODY)
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    monkeypatch.delenv("TRANSFORMERS_OFFLINE", raising=False)
    return folder


@pytest.fixture
def remote(tiny_models: Callable[..., Path], tmp_path: Path) -> Path:
    """What somebody put on the hub."""
    return Path(shutil.copytree(tiny_models("gpt2"), tmp_path / "remote"))


def plan_of(name: str | Path, **settings: bool) -> ScanPlan:
    return plan_scan(str(name), with_overrides(default_config(), device="cpu"), **settings)


def test_of_a_hub_model_config_and_tokenizer_are_fetched_and_no_weights(
    remote: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = plan_of(remote)
    with hub_serving({"org/tiny": remote}) as (address, asked):
        monkeypatch.setenv("HF_ENDPOINT", address)
        found = plan_of("org/tiny")
        assert not [path for path in asked if path.endswith(".safetensors")]
        fetched = {path.name for path in cache.rglob("snapshots/*/*")}
        assert "config.json" in fetched and "tokenizer.json" in fetched and "model.safetensors" not in fetched
        asked.clear()
        plan_of("org/tiny")
        assert not asked  # what is in the cache by now is not asked for again
    assert (found.scan.shape, found.scan.text.positions) == (here.scan.shape, here.scan.text.positions)
    assert found.scan.weights.total == here.scan.weights.total
    assert "downloads them first" in found.notes[0]
    assert found.fits


def test_a_model_that_was_only_planned_is_not_taken_for_one_that_is_there(
    remote: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from support.by_name import load_model

    from mechamap.catalog.hub_cache import cached_models

    with hub_serving({"org/tiny": remote}) as (address, _):
        monkeypatch.setenv("HF_ENDPOINT", address)
        plan_of("org/tiny")
        assert cached_models() == []
        assert load_model("org/tiny", device="cpu").id == "org/tiny"  # fetches the rest
    assert cached_models() == ["org/tiny"]
    assert not plan_of("org/tiny").notes


def test_nothing_is_asked_where_nothing_may_be_fetched(remote: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with hub_serving({"org/tiny": remote}) as (address, asked):
        monkeypatch.setenv("HF_ENDPOINT", address)
        with pytest.raises(ModelNotFound, match="not in the local cache"):
            plan_of("org/tiny", fetch=False)
        assert not asked


def test_what_keeps_a_hub_model_from_being_looked_at_is_said(remote: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ModelNotFound, match="cannot be reached"):
        plan_of("org/tiny")
    with hub_serving({"org/tiny": remote}, gated=("org/tiny",)) as (address, _):
        monkeypatch.setenv("HF_ENDPOINT", address)
        with pytest.raises(ModelError, match="gated"):
            plan_of("org/tiny")
        with pytest.raises(ModelNotFound, match="no model"):
            plan_of("org/nothing")


def test_the_size_of_weights_that_are_not_here_is_read_from_the_index_of_their_shards(tmp_path: Path) -> None:
    folder = save_tiny_model(tmp_path / "tiny", "llama")
    (folder / "model.safetensors").unlink()
    index = {"metadata": {"total_size": 12_345}, "weight_map": {"a": "model-00001-of-00001.safetensors"}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    plan = plan_of(folder)
    assert plan.scan.weights.stored == 12_345
    assert "missing" in plan.notes[0]


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
def test_without_a_format_in_the_config_that_of_the_weights_is_read_from_their_header(
    tmp_path: Path, dtype: str
) -> None:
    import torch
    from transformers import AutoModelForCausalLM

    folder = save_tiny_model(tmp_path / "tiny", "gpt2")
    AutoModelForCausalLM.from_pretrained(folder, dtype=getattr(torch, dtype)).save_pretrained(folder)
    config = json.loads((folder / "config.json").read_text())
    for name in ("dtype", "torch_dtype"):
        config.pop(name, None)
    (folder / "config.json").write_text(json.dumps(config))
    weights = plan_of(folder).scan.weights
    assert (weights.dtype, weights.why) == (dtype, "as its weights are kept")
    assert weights.total == pytest.approx((folder / "model.safetensors").stat().st_size, rel=0.05)


def test_a_header_that_cannot_be_read_says_nothing(tmp_path: Path) -> None:
    file = tmp_path / "model.safetensors"
    for content in (
        b"",
        b"1234",
        struct.pack("<Q", 10**15),
        struct.pack("<Q", 4) + b"[1]]",
        struct.pack("<Q", 2) + b"{}",
    ):
        file.write_bytes(content)
        assert stored_dtype([file]) is None
    assert stored_dtype([tmp_path / "pytorch_model.bin"]) is None


def test_weights_packed_in_a_way_that_is_not_read_are_noted(tmp_path: Path) -> None:
    folder = save_tiny_model(tmp_path, "llama")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "quantization_config": {"quant_method": "awq"}}))
    assert "packed by awq" in find_files(str(folder), default_config()).problem
    assert "cannot be scanned" in plan_of(folder).notes[0]


# --- GGUF files ----------------------------------------------------------------------------------------------------


def test_a_gguf_file_too_large_to_be_unpacked_is_known_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from support.by_name import shortfall

    from mechamap.plan import places
    from mechamap.plan.memory_need import PROCESS

    file = tmp_path / "huge.gguf"
    file.write_bytes(gguf_bytes().replace(struct.pack("<2Q", 64, 32), struct.pack("<2Q", 2**20, 1000)))
    config = with_overrides(default_config(), device="cpu")
    monkeypatch.setattr(places, "_own_memory", lambda: 0)
    monkeypatch.setattr(places, "free_memory", lambda: 3_000_000_000)
    found = shortfall(str(file), config)
    assert found is not None and found.needed == 4 * (2**20 * 1000 + 32) + PROCESS
    assert [option.flags for option in found.would_fit] == ["--dtype bfloat16"]
    assert shortfall(str(file), with_overrides(config, dtype="bfloat16")) is None
