"""What training scripts leave in a model's folder: outputs in its config, odd formats, wrapped names, broken files."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from support.by_name import load_model

from mechamap.catalog.hub_cache import cached_models
from mechamap.errors import ModelError, WeightsError
from mechamap.models.proof import prove
from mechamap.models.unembedding_search import find_unembedding


@pytest.fixture(params=["llama", "gpt2"])
def folder(tiny_models: Callable[..., Path], tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """A copy of a tiny model, to change."""
    return Path(shutil.copytree(tiny_models(request.param), tmp_path / "model"))


def saying(folder: Path, **values: Any) -> Path:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | values))
    return folder


def rewritten(folder: Path, prefix: str = "", metadata: dict[str, str] | None = None) -> Path:
    weights = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    save_file({prefix + name: weight for name, weight in weights.items()}, folder / "model.safetensors", metadata)
    return folder


@pytest.mark.kind("outputs_in_config")
@pytest.mark.parametrize("key", ["return_dict", "output_attentions", "output_hidden_states"])
def test_outputs_that_a_config_asks_for_change_nothing(folder: Path, key: str) -> None:
    loaded = load_model(saying(folder, **{key: key != "return_dict"}), device="cpu")
    proofs = prove(loaded)
    assert all(proof.finite for proof in proofs)
    assert find_unembedding(loaded, proofs).error < 1e-4
    output = loaded.model(input_ids=torch.tensor([[1, 2, 3]]))
    assert (output.attentions, output.hidden_states) == (None, None)


@pytest.mark.kind("dtype_that_torch_does_not_know")
@pytest.mark.parametrize("dtype", ["bf16", "torch.float32"])
def test_a_number_format_that_torch_does_not_know_is_named(folder: Path, dtype: str) -> None:
    with pytest.raises(ModelError, match=f"names the number format {dtype}, which torch does not know") as caught:
        load_model(saying(folder, dtype=dtype), device="cpu")
    assert "torch_dtype" in str(caught.value.hint)


@pytest.mark.kind("weights_of_a_wrapped_model")
@pytest.mark.parametrize("prefix", ["module.", "_orig_mod."])
def test_weights_of_a_wrapped_model_are_said_to_be(folder: Path, prefix: str) -> None:
    with pytest.raises(WeightsError, match=f"they begin with {prefix}"):
        load_model(rewritten(folder, prefix, {"format": "pt"}), device="cpu")


@pytest.mark.kind("training_files_in_the_cache")
@pytest.mark.parametrize("name", ["training_args.bin", "adapter_model.safetensors", "optimizer.bin"])
def test_files_of_training_are_no_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    snapshot = tmp_path / "models--org--tiny" / "snapshots" / "0a"
    snapshot.mkdir(parents=True)
    (snapshot / "config.json").write_text(json.dumps({"architectures": ["LlamaForCausalLM"]}))
    (snapshot / name).write_bytes(b"0")
    assert cached_models() == []
    (snapshot / "model.safetensors").write_bytes(b"0")
    assert cached_models() == ["org/tiny"]


@pytest.mark.kind("generation_config_that_is_broken")
@pytest.mark.parametrize("name", ["generation_config.json", "chat_template.jinja", "processor_config.json"])
def test_files_that_have_nothing_to_do_with_activations_may_be_broken(folder: Path, name: str) -> None:
    (folder / name).write_text("{% if")
    load_model(folder, device="cpu")


@pytest.mark.kind("generation_config_that_is_broken")
@pytest.mark.parametrize("metadata", [None, {"format": "mlx"}])
def test_the_format_mark_of_safetensors_does_not_matter(folder: Path, metadata: dict[str, str] | None) -> None:
    expected = load_model(folder, device="cpu").model.state_dict()
    read = load_model(rewritten(folder, metadata=metadata), device="cpu").model.state_dict()
    assert all(torch.equal(weight, read[name]) for name, weight in expected.items())
