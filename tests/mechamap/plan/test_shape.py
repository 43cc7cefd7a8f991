"""A model's sizes by its config alone are those of the model once it is loaded, and huge ones take no memory."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from support.by_name import load_model, plan_scan
from support.huge_configs import DEEPSEEK_V3, LLAMA_70B, MIXTRAL_8X7B, config_only
from support.tiny_encoders import save_tiny
from support.tiny_models import save_tiny_model
from transformers import AutoConfig

from mechamap.config.schema import default_config, with_overrides
from mechamap.errors import MechaMapError, ModelError, ModelNotFound, UnsupportedModel, UsageError
from mechamap.models.neurons.model_layers import neuron_layers
from mechamap.plan.places import _own_memory
from mechamap.plan.scan_plan import ScanPlan


def plan_of(folder: Path | str, **changes: object) -> ScanPlan:
    return plan_scan(str(folder), with_overrides(default_config(), device="cpu", **changes))


@pytest.mark.parametrize(
    "model_type", ["gpt2", "llama", "opt", "gpt_neox", "mixtral", "qwen2_moe", "deepseek_v3", "gpt_oss"]
)
def test_a_decoder_has_the_sizes_by_its_config_that_it_has_loaded(
    tiny_models: Callable[..., Path], model_type: str
) -> None:
    folder = tiny_models(model_type)
    found, loaded = plan_of(folder).scan, load_model(str(folder), device="cpu")
    shape = found.shape
    assert (shape.architecture, shape.kind, shape.parameters) == (loaded.architecture, "decoder", loaded.parameters)
    assert (shape.context, shape.vocabulary) == (loaded.context, loaded.vocabulary)
    for limit in (None, 10, 50):
        assert [layer.neurons(limit) for layer in shape.layers] == [layer.limited(limit) for layer in loaded.layers]
    assert [layer.experts for layer in shape.layers] == [layer.experts for layer in loaded.layers]
    assert found.weights.total == sum(its.numel() * its.element_size() for its in loaded.model.parameters())
    assert found.weights.dtype == "float32"


@pytest.mark.parametrize(
    ("model_type", "auto"),
    [
        ("bert", "AutoModel"),
        ("albert", "AutoModel"),
        ("bart", "AutoModelForSeq2SeqLM"),
        ("t5", "AutoModelForSeq2SeqLM"),
    ],
)
def test_encoders_and_encoder_decoders_too(tmp_path: Path, model_type: str, auto: str) -> None:
    save_tiny(tmp_path, model_type, auto)
    shape, loaded = plan_of(tmp_path).scan.shape, load_model(str(tmp_path), device="cpu")
    assert (shape.kind, shape.parameters, shape.context) == (loaded.kind, loaded.parameters, loaded.context)
    sides = [(layer.number, layer.side, layer.neurons()) for layer in shape.layers]
    assert sides == [(layer.layer, layer.side, layer.width) for layer in loaded.layers]


def test_an_expert_counts_for_a_token_that_goes_to_it(tmp_path: Path) -> None:
    shape = plan_of(config_only(tmp_path, MIXTRAL_8X7B)).scan.shape
    assert shape.parameters == 46_702_792_704
    layer = shape.layers[0]
    assert (layer.experts, layer.active_experts, layer.neurons(), layer.values()) == (8, 2, 8 * 14336, 2 * 14336)
    assert layer.active == layer.parameters - 6 * 3 * 4096 * 14336


def test_huge_models_are_planned_from_a_config_without_memory_for_them(tmp_path: Path) -> None:
    for number, (config, parameters, neurons) in enumerate(
        (
            (LLAMA_70B, 70_553_706_496, 80 * 28672),
            (DEEPSEEK_V3, 671_026_404_352, 3 * 18432 + 58 * (2048 + 256 * 2048)),
        )
    ):
        folder = tmp_path / str(number)
        folder.mkdir()
        plan_of(config_only(folder, {**config, "num_hidden_layers": 4}))  # whatever is imported for the type
        before = _own_memory()
        found = plan_of(config_only(folder, config))
        assert found.scan.shape.parameters == parameters and found.scan.neurons == neurons
        # bfloat16, which fp8 is unpacked to; newer versions of transformers keep the routers in float32
        routers = 2 * 58 * 256 * 7168 if config is DEEPSEEK_V3 else 0
        assert 2 * parameters <= found.scan.weights.total <= (2 * parameters + routers) * (1 + 1e-9)
        assert not found.fits and found.memory[0].weights > 100e9
        assert _own_memory() - before < 200e6


def test_building_on_the_meta_device_leaves_the_default_device_alone(tmp_path: Path) -> None:
    plan_of(config_only(tmp_path, LLAMA_70B))
    assert torch.get_default_device().type == "cpu" and torch.get_default_dtype() == torch.float32


def test_paths_that_the_config_gives_are_where_neurons_are_counted(tiny_models: Callable[..., Path]) -> None:
    folder = tiny_models("llama")
    path = "model.layers.{layer}.self_attn.o_proj"
    found = plan_of(folder, neurons=path).scan
    loaded = load_model(str(folder), device="cpu")
    assert found.neurons == sum(layer.width for layer in neuron_layers(loaded.model, path))


# --- what cannot be planned -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("config", "error", "says"),
    [
        ("{nonsense", ModelError, "not JSON"),
        ("[]", UnsupportedModel, "model_type"),
        ('{"hidden_size": 8}', UnsupportedModel, "model_type"),
        ('{"model_type": "no_such_type"}', UnsupportedModel, "no_such_type"),
        ('{"model_type": "vit"}', UnsupportedModel, "not a language model"),
        ('{"model_type": "mamba"}', UnsupportedModel, "no MLP neurons"),
        ('{"model_type": "llama", "hidden_size": 100, "num_attention_heads": 7}', ModelError, "not a multiple"),
        ('{"model_type": "llama", "num_hidden_layers": "many"}', ModelError, "expected int"),
        ('{"model_type": "llama", "vocab_size": -3}', ModelError, "negative"),
        ('{"model_type": "gpt2", "n_layer": 0}', UnsupportedModel, "no blocks"),
    ],
)
def test_a_config_that_says_nothing_that_can_be_scanned_is_an_error_of_ours(
    tmp_path: Path, config: str, error: type[MechaMapError], says: str
) -> None:
    (tmp_path / "config.json").write_text(config)
    with pytest.raises(error, match=says):
        plan_of(tmp_path)


def test_what_the_settings_ask_for_must_be_there(tiny_models: Callable[..., Path], tmp_path: Path) -> None:
    folder = tiny_models("gpt2")
    with pytest.raises(UsageError, match="Layer 7 does not exist"):
        plan_of(folder, layers="0,7")
    with pytest.raises(UsageError, match="no revision"):
        plan_of(folder, revision="main")
    with pytest.raises(UsageError, match="This machine has no device"):
        plan_scan(str(folder), with_overrides(default_config(), device="cuda:99"))
    with pytest.raises(ModelNotFound):
        plan_of(tmp_path / "nothing")


def test_what_is_missing_or_damaged_beside_the_config_is_noted(tmp_path: Path) -> None:
    folder = save_tiny_model(tmp_path / "tiny", "llama")
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    assert "cut short" in plan_of(folder).notes[0]
    weights.unlink()
    (without,) = plan_of(folder).notes
    assert "cannot be scanned" in without and "no weights" in without
    for name in ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"):
        (folder / name).unlink(missing_ok=True)
    found = plan_of(folder)
    assert "guessed" in found.notes[-1] and not found.scan.text.is_counted


def test_a_folder_that_changed_is_read_again(tmp_path: Path) -> None:
    folder = save_tiny_model(tmp_path / "tiny", "llama")
    before = plan_of(folder).scan.neurons
    config = AutoConfig.from_pretrained(folder)
    config.num_hidden_layers += 2
    config.save_pretrained(folder)
    assert plan_of(folder).scan.neurons == before // 3 * 5
