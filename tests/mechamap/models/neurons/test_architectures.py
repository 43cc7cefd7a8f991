from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from support.by_name import load_model
from support.dense_types import DENSE
from support.tiny_models import D_MLP, D_MODEL, N_LAYERS, tiny_config
from torch import Tensor, nn
from transformers import AutoModelForCausalLM

from mechamap.errors import UnsupportedModel
from mechamap.models.config_keys import config_d_mlp, config_widths
from mechamap.models.loaded import LoadedModel
from mechamap.models.neurons.architectures import NEURONS
from mechamap.models.neurons.discovery import discover
from mechamap.models.neurons.model_layers import neuron_layers
from mechamap.models.proof import prove

# Their configs have no name for d_mlp: it is four (MPT: by its own ratio, here two) times d_model.
FOUR_TIMES = {"bloom", "mpt", "gpt_neox_japanese"}


def from_config(model_type: str, **changes: object) -> nn.Module:
    model: nn.Module = AutoModelForCausalLM.from_config(tiny_config(model_type, **changes))
    return model


def inputs_of(loaded: LoadedModel, modules: list[nn.Module]) -> list[Tensor]:
    """What goes into each module in one forward over a sentence."""
    seen: list[Tensor] = []
    handles = [module.register_forward_pre_hook(lambda _, args: seen.append(args[0])) for module in modules]
    ids = torch.tensor([loaded.tokenizer.encode("The dog ate an apple in Paris.")])
    with torch.no_grad():
        loaded.model(input_ids=ids)
    for handle in handles:
        handle.remove()
    return seen


@pytest.mark.parametrize("model_type", DENSE)
def test_every_listed_architecture_loads_and_passes_the_proof(
    tiny_models: Callable[..., Path], model_type: str
) -> None:
    loaded = load_model(str(tiny_models(model_type)), device="cpu")
    width = 4 * D_MODEL if model_type in FOUR_TIMES else D_MLP
    assert [layer.width for layer in loaded.layers] == [width] * N_LAYERS
    (template,) = [path for path in NEURONS[model_type] if "encoder" not in path]
    assert [layer.path for layer in loaded.layers] == [template.format(layer=layer) for layer in range(N_LAYERS)]
    assert [proof.width for proof in prove(loaded)] == [width] * N_LAYERS


@pytest.mark.parametrize("model_type", DENSE)
def test_discovery_finds_the_same_place_as_the_table(model_type: str) -> None:
    assert discover(from_config(model_type)) == NEURONS[model_type]


@pytest.mark.parametrize(
    "model_type", ["olmoe", "qwen2_moe", "deepseek_v3", "gpt_oss", "jamba", "llama4_text", "xlnet"]
)
def test_discovery_finds_experts_and_shared_ones_where_the_table_has_them(model_type: str) -> None:
    model = from_config(model_type)
    by_table = [[part.path for part in layer.parts] for layer in neuron_layers(model)]
    assert [[part.path for part in layer.parts] for layer in neuron_layers(model, discover(model))] == by_table


def test_an_architecture_that_is_not_listed_is_discovered(monkeypatch: pytest.MonkeyPatch) -> None:
    model = from_config("apertus")
    monkeypatch.delitem(NEURONS, "apertus")
    assert [layer.path for layer in neuron_layers(model)] == [
        f"model.layers.{i}.mlp.down_proj" for i in range(N_LAYERS)
    ]


def test_the_text_part_of_a_model_that_also_sees_is_found() -> None:
    text = tiny_config("gemma3_text").to_dict()
    with torch.device("meta"):
        model = from_config("gemma3", text_config=text)
    assert neuron_layers(model)[0].path == "model.language_model.layers.0.mlp.down_proj"


def test_a_model_without_mlps_says_so() -> None:
    with pytest.raises(UnsupportedModel, match="has no MLP neurons: its blocks are state-space models"):
        neuron_layers(from_config("mamba"))


def test_an_unknown_model_whose_blocks_have_nothing_that_fits_says_what_was_looked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model = from_config("llama")
    monkeypatch.delitem(NEURONS, "llama")
    for block in model.get_submodule("model.layers").children():
        block.mlp.down_proj = nn.Identity()
    with pytest.raises(UnsupportedModel, match=r"looked in each block of model\.layers .* and found: none") as caught:
        neuron_layers(model)
    assert "--neurons" in str(caught.value.hint)


def test_two_linear_layers_that_fit_in_one_place_are_not_chosen_between(monkeypatch: pytest.MonkeyPatch) -> None:
    model = from_config("llama")
    monkeypatch.delitem(NEURONS, "llama")
    for block in model.get_submodule("model.layers").children():
        block.mlp.fc2 = nn.Linear(D_MLP, D_MODEL)
    with pytest.raises(UnsupportedModel, match=r"found: mlp\.down_proj, mlp\.fc2"):
        neuron_layers(model)


def test_a_block_that_lost_its_mlp_is_not_passed_over() -> None:
    model = from_config("llama")
    model.get_submodule("model.layers.1.mlp").fc2 = model.get_submodule("model.layers.1.mlp").down_proj
    del model.get_submodule("model.layers.1.mlp").down_proj
    with pytest.raises(UnsupportedModel, match=r"layer 1's down-projection at model\.layers\.1\.mlp\.down_proj"):
        neuron_layers(model)


def test_hybrids_number_their_layers_by_block() -> None:
    numbers = [layer.layer for layer in neuron_layers(from_config("nemotron_h"))]
    assert numbers == sorted(set(numbers))
    assert len(numbers) < numbers[-1] + 1


def test_a_template_overrides_the_table() -> None:
    layers = neuron_layers(from_config("llama"), "model.layers.{layer}.mlp.up_proj")
    assert [layer.path for layer in layers] == [f"model.layers.{i}.mlp.up_proj" for i in range(N_LAYERS)]
    for wrong in ("model.layers.{layer}.mlp.nope", "model.blocks.{layer}.mlp", "model.layers.{layer}.mlp"):
        with pytest.raises(UnsupportedModel):
            neuron_layers(from_config("llama"), wrong)


def test_a_path_that_is_not_there_is_told_its_neighbours() -> None:
    with pytest.raises(UnsupportedModel) as caught:
        neuron_layers(from_config("llama"), "model.layers.{layer}.mlp.downproj")
    assert "model.layers.{layer}.mlp.down_proj" in str(caught.value.hint)


@pytest.mark.parametrize("model_type", ["gpt2", "llama"])
def test_output_weights_are_d_mlp_by_d_model_however_they_are_kept(model_type: str) -> None:
    layer = neuron_layers(from_config(model_type))[0]
    weight = layer.parts[0].weight()  # [d_mlp, d_model]
    assert weight.shape == (D_MLP, D_MODEL)
    one_neuron = torch.zeros(1, D_MLP)
    one_neuron[0, 7] = 1.0
    bias = layer.module.bias if layer.module.bias is not None else 0.0
    assert torch.allclose(layer.module(one_neuron)[0] - bias, weight[7], atol=1e-6)


def test_the_width_is_read_from_the_config_under_any_of_its_names() -> None:
    assert config_d_mlp(tiny_config("llama")) == D_MLP
    assert config_d_mlp(tiny_config("opt")) == D_MLP
    assert config_d_mlp(tiny_config("gpt2", n_inner=None)) == 4 * D_MODEL
    assert config_d_mlp(tiny_config("bloom")) is None


def test_the_widths_of_experts_are_among_those_the_config_names() -> None:
    config = tiny_config("qwen2_moe")
    assert {config.intermediate_size, config.moe_intermediate_size} <= config_widths(config)
    assert config.shared_expert_intermediate_size in config_widths(config)
    assert config_widths(tiny_config("dbrx")) >= {tiny_config("dbrx").ffn_config.ffn_hidden_size}


def test_gpt2_neurons_are_gelu_of_the_first_projection(tiny_models: Callable[..., Path]) -> None:
    loaded = load_model(str(tiny_models("gpt2")), device="cpu")
    blocks = [loaded.model.get_submodule(f"transformer.h.{i}.mlp") for i in range(N_LAYERS)]
    neurons = inputs_of(loaded, [layer.module for layer in loaded.layers])
    for block, x, seen in zip(blocks, inputs_of(loaded, blocks), neurons, strict=True):
        h = x @ block.c_fc.weight + block.c_fc.bias  # [1, tokens, d_mlp]
        gelu = 0.5 * h * (1 + torch.tanh((2 / torch.pi) ** 0.5 * (h + 0.044715 * h**3)))
        assert torch.allclose(seen, gelu, atol=1e-5)


def test_llama_neurons_are_gate_times_up(tiny_models: Callable[..., Path]) -> None:
    loaded = load_model(str(tiny_models("llama")), device="cpu")
    blocks = [loaded.model.get_submodule(f"model.layers.{i}.mlp") for i in range(N_LAYERS)]
    neurons = inputs_of(loaded, [layer.module for layer in loaded.layers])
    for block, x, seen in zip(blocks, inputs_of(loaded, blocks), neurons, strict=True):
        gate, up = x @ block.gate_proj.weight.T, x @ block.up_proj.weight.T  # [1, tokens, d_mlp]
        assert torch.allclose(seen, gate * torch.sigmoid(gate) * up, atol=1e-5)


def test_opt_neurons_are_relu_of_the_first_projection(tiny_models: Callable[..., Path]) -> None:
    loaded = load_model(str(tiny_models("opt")), device="cpu")
    first = [loaded.model.get_submodule(f"model.decoder.layers.{i}.fc1") for i in range(N_LAYERS)]
    neurons = inputs_of(loaded, [layer.module for layer in loaded.layers])
    for layer, x, seen in zip(first, inputs_of(loaded, first), neurons, strict=True):
        assert torch.allclose(seen, (x @ layer.weight.T + layer.bias).clamp(min=0), atol=1e-5)
