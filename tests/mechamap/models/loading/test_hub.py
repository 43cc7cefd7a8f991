from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from support.by_name import load_model
from support.fake_hub import COMMIT, hub_serving
from support.packed_models import change_config
from transformers import AutoModelForCausalLM

from mechamap.catalog.hub_cache import cached_models
from mechamap.errors import ModelError, ModelNotFound, UnsupportedModel, WeightsError

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


def test_a_hub_model_is_downloaded_once_and_then_loads_without_a_network(
    remote: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    with hub_serving({"org/tiny": remote}) as (address, asked):
        monkeypatch.setenv("HF_ENDPOINT", address)
        loaded = load_model("org/tiny", device="cpu", stage=said.append)
        assert (loaded.id, loaded.label, loaded.revision) == ("org/tiny", "tiny", COMMIT)
        assert "looking for org/tiny" in said
        assert cached_models() == ["org/tiny"]
        asked.clear()
        load_model("org/tiny", device="cpu")
        assert not [path for path in asked if path.endswith(".safetensors")]
    monkeypatch.setenv("HF_ENDPOINT", NOBODY)
    assert load_model("org/tiny", device="cpu").revision == COMMIT
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert load_model("org/tiny", device="cpu", revision=COMMIT).revision == COMMIT


def test_only_one_form_of_the_weights_and_no_code_is_downloaded(
    remote: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("pytorch_model.bin", "tf_model.h5", "code.py", "onnx.onnx"):
        (remote / name).write_bytes(b"large")
    with hub_serving({"org/tiny": remote}) as (address, _):
        monkeypatch.setenv("HF_ENDPOINT", address)
        load_model("org/tiny", device="cpu")
    downloaded = {path.name for path in (cache / "models--org--tiny" / "snapshots" / COMMIT).iterdir()}
    assert downloaded == {path.name for path in remote.iterdir()} - {
        "pytorch_model.bin",
        "tf_model.h5",
        "code.py",
        "onnx.onnx",
    }


def test_sharded_weights_are_downloaded_whole(remote: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = AutoModelForCausalLM.from_pretrained(remote)
    (remote / "model.safetensors").unlink()
    model.save_pretrained(remote, max_shard_size="40KB")
    with hub_serving({"org/tiny": remote}) as (address, _):
        monkeypatch.setenv("HF_ENDPOINT", address)
        assert load_model("org/tiny", device="cpu").parameters == model.num_parameters()


def test_the_download_says_how_far_it_is(remote: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    with hub_serving({"org/tiny": remote}) as (address, _):
        monkeypatch.setenv("HF_ENDPOINT", address)
        load_model("org/tiny", device="cpu", stage=said.append)
    assert any(text.startswith("downloading") and text.endswith("MB") for text in said)


def test_without_a_network_the_error_says_so_and_what_works(cache: Path) -> None:
    with pytest.raises(ModelNotFound, match="cannot be reached") as caught:
        load_model("openai-community/gpt2")
    assert str(cache) in caught.value.message
    assert "demo" in caught.value.hint


def test_offline_mode_asks_nobody(remote: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with hub_serving({"org/tiny": remote}) as (address, asked):
        monkeypatch.setenv("HF_ENDPOINT", address)
        monkeypatch.setenv("HF_HUB_OFFLINE", "1")
        with pytest.raises(ModelNotFound, match="HF_HUB_OFFLINE"):
            load_model("org/tiny")
        assert asked == []


def test_an_id_that_is_not_on_the_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    with hub_serving({}) as (address, _):
        monkeypatch.setenv("HF_ENDPOINT", address)
        with pytest.raises(ModelNotFound, match="no model gpt2-smal") as caught:
            load_model("gpt2-smal")
    assert "gpt2-small" in caught.value.hint


def test_a_revision_that_does_not_exist(remote: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with hub_serving({"org/tiny": remote}) as (address, _):
        monkeypatch.setenv("HF_ENDPOINT", address)
        with pytest.raises(ModelNotFound, match="no revision 'v9'"):
            load_model("org/tiny", revision="v9")


def test_a_gated_model(remote: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with hub_serving({"org/tiny": remote}, gated=("org/tiny",)) as (address, _):
        monkeypatch.setenv("HF_ENDPOINT", address)
        with pytest.raises(ModelError, match="gated") as caught:
            load_model("org/tiny")
    assert "hf auth login" in caught.value.hint


@pytest.mark.parametrize(
    ("removed", "added", "kind"),
    [
        ("config.json", "x.gguf", ModelNotFound),
        ("model.safetensors", "x.gguf", WeightsError),
        ("model.safetensors", "flax_model.msgpack", WeightsError),
    ],
)
def test_a_repository_that_lacks_what_a_model_needs(
    remote: Path, monkeypatch: pytest.MonkeyPatch, removed: str, added: str, kind: type[ModelError]
) -> None:
    (remote / removed).unlink()
    (remote / added).write_bytes(b"")
    with hub_serving({"org/tiny": remote}) as (address, _):
        monkeypatch.setenv("HF_ENDPOINT", address)
        with pytest.raises(kind, match="org/tiny on the hub") as caught:
            load_model("org/tiny")
    assert ("GGUF" in caught.value.hint) == (added == "x.gguf")


def test_half_a_model_in_the_cache_is_an_error_not_a_guess(
    remote: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with hub_serving({"org/tiny": remote}) as (address, _):
        monkeypatch.setenv("HF_ENDPOINT", address)
        load_model("org/tiny", device="cpu")
    (cache / "models--org--tiny" / "snapshots" / COMMIT / "model.safetensors").unlink()
    monkeypatch.setenv("HF_ENDPOINT", NOBODY)
    with pytest.raises(WeightsError, match="no weights"):
        load_model("org/tiny", device="cpu")


def test_weights_that_could_not_be_read_are_not_downloaded(
    remote: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    change_config(remote, quantization_config={"quant_method": "gptq", "bits": 4})
    with hub_serving({"org/tiny": remote}) as (address, asked):
        monkeypatch.setenv("HF_ENDPOINT", address)
        with pytest.raises(UnsupportedModel, match="packed by gptq"):
            load_model("org/tiny", device="cpu")
    assert any(path.endswith("config.json") for path in asked)
    assert not [path for path in asked if path.endswith(".safetensors")]
    assert not list(cache.rglob("*.safetensors"))
