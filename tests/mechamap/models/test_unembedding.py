"""The way from the residual stream to the logits: found in every architecture, as its own formula has it, and checked.

What it is found with is tested here too: norms known by what they do, and forwards that start at a block.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from support.by_name import load_model
from support.dense_types import DENSE
from support.tiny_models import D_MLP, D_MODEL, N_LAYERS
from torch import Tensor, nn

from mechamap.errors import UnsupportedModel
from mechamap.models.blocks import keeping_entries, starting_at
from mechamap.models.loaded import LoadedModel
from mechamap.models.norms import norm_of
from mechamap.models.unembedding import Unembedding, find_unembedding
from mechamap.system.plain_values import to_plain_values

Load = Callable[..., LoadedModel]


@pytest.fixture(scope="module")
def load(tiny_models: Callable[..., Path]) -> Load:
    """``load("gpt2")`` is a tiny GPT-2 in memory, read once; whoever changes one makes a copy first."""

    @cache
    def loaded(model_type: str, dtype: str = "float32", **changes: Any) -> LoadedModel:
        return load_model(str(tiny_models(model_type, **changes)), device="cpu", dtype=dtype)

    return loaded


def hooks_left(model: nn.Module) -> int:
    return sum(len(module._forward_pre_hooks) + len(module._forward_hooks) for module in model.modules())


def close(found: Tensor, expected: Tensor) -> None:
    torch.testing.assert_close(found, expected.float(), rtol=1e-4, atol=1e-5)


def centred(rows: Tensor) -> Tensor:
    return rows - rows.mean(dim=1, keepdim=True)


def rows_of(unembedding: Unembedding) -> Tensor:
    return unembedding.rows(slice(None))  # [vocabulary, d_model]


# --- every architecture -------------------------------------------------------------------------------------


@pytest.mark.parametrize("model_type", DENSE)
def test_it_is_found_in_every_listed_architecture_and_foretells_what_a_neuron_does_to_the_logits(
    load: Load, model_type: str
) -> None:
    loaded = load(model_type)
    unembedding = find_unembedding(loaded)
    assert 0 < unembedding.error <= unembedding.tolerance
    assert hooks_left(loaded.model) == 0
    assert rows_of(unembedding).shape[1] == D_MODEL
    for layer in loaded.layers:
        assert unembedding.written_by(layer).shape == (layer.width, D_MODEL)
    for neuron in (3, 50):
        assert unexplained(loaded, unembedding, neuron) < 2e-3


def unexplained(loaded: LoadedModel, unembedding: Unembedding, neuron: int) -> float:
    """How much of what a small rise of a neuron of the last layer does to the logits its direction leaves open.

    To first order the logits change by ``rows @ written``, and shrink or grow as a whole, since the rise changes what
    the final norm divides by; where the MLP's output is normalized, that is divided otherwise as well.
    """
    model: Any = loaded.model
    layer = loaded.layers[-1]
    ids = torch.tensor([loaded.tokenizer.encode("The dog ate an apple in Paris.")])
    outputs: list[Tensor] = []

    def logits(rise: float) -> Tensor:
        def before(_module: nn.Module, args: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
            raised = args[0].clone()
            raised.reshape(-1, raised.shape[-1])[-1, neuron] += rise
            return (raised, *args[1:])

        down = model.get_submodule(layer.path)
        handles = [down.register_forward_pre_hook(before)]
        handles.append(down.register_forward_hook(lambda _m, _a, out: outputs.append(out.reshape(-1, D_MODEL)[-1])))
        with torch.no_grad():
            found = model(input_ids=ids).logits[0, -1]
        for handle in handles:
            handle.remove()
        cap = unembedding.softcap
        found = found.double()
        return found if not cap else cap * torch.atanh(found / cap)

    change = (logits(0.02) - logits(-0.02)) / 0.04  # [vocabulary]
    head = model.get_output_embeddings()
    weight = head.weight if unembedding.before is None else head.weight @ unembedding.before
    constant = torch.zeros(len(change)) if getattr(head, "bias", None) is None else head.bias
    if unembedding.norm is not None:
        constant = constant + weight @ unembedding.norm.bias
    scale = getattr(loaded.model.config, "logit_scale", None) or 1 / getattr(loaded.model.config, "logits_scaling", 1)
    rows = rows_of(unembedding).double()
    explaining = [rows @ unembedding.written_by(layer)[neuron].double(), logits(0) - scale * constant.double()]
    if layer.layer in unembedding.written:
        norm = unembedding.written[layer.layer]
        explaining.append(rows @ (norm.direction(outputs[-1]) * norm.gain).double())
    basis = torch.stack(explaining, dim=1).detach()
    shares = torch.linalg.lstsq(basis, change[:, None]).solution  # [explaining, 1]
    assert shares[0] > 0
    return float((change[:, None] - basis @ shares).norm() / change.norm())


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
@pytest.mark.parametrize("model_type", ["gpt2", "llama", "gemma2"])
def test_it_is_found_in_half_precision(load: Load, model_type: str, dtype: str) -> None:
    unembedding = find_unembedding(load(model_type, dtype))
    assert unembedding.error <= unembedding.tolerance
    assert rows_of(unembedding).dtype == torch.float32


# --- as the architectures' own formulas have it -------------------------------------------------------------


def test_gpt2_has_a_layer_norm_with_its_gain_and_takes_the_mean_away(load: Load) -> None:
    loaded = load("gpt2")
    model: Any = loaded.model
    unembedding = find_unembedding(loaded)
    close(rows_of(unembedding), centred(model.transformer.wte.weight * model.transformer.ln_f.weight))
    close(unembedding.rows(torch.tensor([5, 2])), rows_of(unembedding)[[5, 2]])
    for layer, block in zip(loaded.layers, model.transformer.h, strict=True):
        close(unembedding.written_by(layer), block.mlp.c_proj.weight)
    assert to_plain_values(unembedding.record) == {
        "head": "lm_head", "norm": "transformer.ln_f", "centred": True, "normalized_output": False,
        "vocabulary": len(loaded.tokenizer), "softcap": None, "error": unembedding.error,
        "tolerance": unembedding.tolerance,
    }  # fmt: skip


@pytest.mark.parametrize("tied", [True, False])
def test_llama_has_an_rms_norm_with_its_gain(load: Load, tied: bool) -> None:
    loaded = load("llama", tie_word_embeddings=tied)
    model: Any = loaded.model
    assert (model.lm_head.weight is model.model.embed_tokens.weight) == tied
    unembedding = find_unembedding(loaded)
    close(rows_of(unembedding), model.lm_head.weight * model.model.norm.weight)
    for layer, block in zip(loaded.layers, model.model.layers, strict=True):
        close(unembedding.written_by(layer), block.mlp.down_proj.weight.T)
    assert not unembedding.written


def test_gemma2_multiplies_by_one_more_than_its_gains_and_normalizes_what_the_mlp_writes(load: Load) -> None:
    loaded = load("gemma2")
    model: Any = loaded.model
    unembedding = find_unembedding(loaded)
    close(rows_of(unembedding), model.lm_head.weight * (1 + model.model.norm.weight))
    for layer, block in zip(loaded.layers, model.model.layers, strict=True):
        gain = 1 + block.post_feedforward_layernorm.weight
        close(unembedding.written_by(layer), block.mlp.down_proj.weight.T * gain)
    assert unembedding.softcap == model.config.final_logit_softcapping == 30.0
    assert unembedding.record.normalized_output


@pytest.mark.parametrize(("model_type", "norm"), [("phi", "model.final_layernorm"), ("gptj", "transformer.ln_f")])
def test_a_bias_of_the_output_embedding_raises_tokens_whatever_the_neurons_do(
    load: Load, model_type: str, norm: str
) -> None:
    loaded = load(model_type)
    model: Any = loaded.model
    assert model.lm_head.bias.abs().max() > 0.1
    unembedding = find_unembedding(loaded)
    assert unembedding.norm_path == norm
    close(rows_of(unembedding), centred(model.lm_head.weight * model.get_submodule(norm).weight))


def test_a_linear_layer_before_the_output_embedding_is_folded_in(load: Load) -> None:
    loaded = load("opt", word_embed_proj_dim=16)
    model: Any = loaded.model
    decoder = model.model.decoder
    unembedding = find_unembedding(loaded)
    assert unembedding.weight.shape[1] == 16
    rows = (model.lm_head.weight @ decoder.project_out.weight) * decoder.final_layer_norm.weight
    close(rows_of(unembedding), centred(rows))


@pytest.mark.parametrize(
    ("model_type", "changes", "takes_the_mean"),
    [("cohere", {"logit_scale": 0.25}, True), ("granite", {"logits_scaling": 8.0}, False)],
)
def test_a_factor_on_the_logits_changes_no_direction(
    load: Load, model_type: str, changes: dict[str, Any], takes_the_mean: bool
) -> None:
    loaded = load(model_type, **changes)
    model: Any = loaded.model
    rows = model.lm_head.weight * model.model.norm.weight
    close(rows_of(find_unembedding(loaded)), centred(rows) if takes_the_mean else rows)


def test_chunks_are_the_rows_of_the_real_tokens(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded = load("llama", vocab_size=400)  # padded: the tokenizer has fewer
    unembedding = find_unembedding(loaded)
    assert unembedding.vocabulary == len(loaded.tokenizer) < 400
    monkeypatch.setattr("mechamap.models.unembedding.CHUNK_BYTES", 7 * 4 * D_MODEL)
    chunks = list(unembedding.chunks())
    assert {len(chunk) for chunk in chunks[:-1]} == {7}
    close(torch.cat(chunks), rows_of(unembedding)[: unembedding.vocabulary])


# --- what is refused ----------------------------------------------------------------------------------------


def test_a_stream_that_every_block_normalizes_is_refused_with_the_reason(load: Load) -> None:
    loaded = load("opt", do_layer_norm_before=False)
    with pytest.raises(UnsupportedModel, match="normalizes the residual stream after each block"):
        find_unembedding(loaded)
    assert hooks_left(loaded.model) == 0


def changed(loaded: LoadedModel, head: nn.Module | None) -> LoadedModel:
    model: Any = deepcopy(loaded.model)
    model.lm_head = head
    return replace(loaded, model=model)


def test_a_head_that_does_more_than_its_weights_say_is_found_out(load: Load) -> None:
    class Noisy(nn.Linear):
        def forward(self, given: Tensor) -> Tensor:
            noise = torch.randn(self.out_features, generator=torch.Generator().manual_seed(0))
            return super().forward(given) * (1 + 0.1 * noise)

    loaded = load("llama")
    head: Any = loaded.model.get_submodule("lm_head")
    noisy = Noisy(head.in_features, head.out_features, bias=False)
    noisy.weight = head.weight
    with pytest.raises(UnsupportedModel, match=r"from model\.norm and lm_head differ from the model's by 0\.\d"):
        find_unembedding(changed(loaded, noisy))


def test_a_norm_that_nobody_knows_is_found_out(load: Load) -> None:
    class Squashing(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.ones(D_MODEL))

        def forward(self, given: Tensor) -> Tensor:
            return torch.tanh(given) * self.weight

    loaded = load("llama")
    model: Any = deepcopy(loaded.model)
    model.model.norm = Squashing()
    with pytest.raises(UnsupportedModel, match=r"model\.norm before the output embedding is no norm"):
        find_unembedding(replace(loaded, model=model))


def test_a_model_without_an_output_embedding_is_refused(load: Load) -> None:
    with pytest.raises(UnsupportedModel, match="no output embedding"):
        find_unembedding(changed(load("llama"), None))


# --- norms --------------------------------------------------------------------------------------------------


class RmsNorm(nn.Module):
    """x / rms(x) * (offset + weight), computed in float32 as the models do."""

    def __init__(self, width: int, offset: float = 0.0) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(width))
        self.offset = offset

    def forward(self, x: Tensor) -> Tensor:
        wide = x.float()
        wide = wide * torch.rsqrt(wide.square().mean(dim=-1, keepdim=True) + 1e-6)
        return (wide * (self.offset + self.weight.float())).to(x.dtype)


def layer_norm(width: int) -> nn.LayerNorm:
    norm = nn.LayerNorm(width)
    nn.init.normal_(norm.weight)
    nn.init.normal_(norm.bias)
    return norm


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("width", [32, 33, 5])
@pytest.mark.parametrize("kind", ["LayerNorm", "RMSNorm", "1 + weight"])
def test_norms_are_known_by_what_they_do(kind: str, width: int, dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    module: Any = layer_norm(width) if kind == "LayerNorm" else RmsNorm(width, offset=float(kind == "1 + weight"))
    module = module.to(dtype)
    norm = norm_of(module, torch.randn(2, 7, width, dtype=dtype))
    assert norm is not None
    assert norm.centred == (kind == "LayerNorm")
    exactly = 1e-4 if dtype == torch.float32 else 2e-2
    gain = module.weight.float() + getattr(module, "offset", 0.0)
    bias = module.bias.float() if kind == "LayerNorm" else torch.zeros(width)
    torch.testing.assert_close(norm.gain, gain, rtol=exactly, atol=exactly)
    torch.testing.assert_close(norm.bias, bias, rtol=exactly, atol=exactly)
    x = torch.randn(3, width)
    with torch.no_grad():
        expected = module(x.to(dtype)).float()
    torch.testing.assert_close(norm.direction(x) * norm.gain + norm.bias, expected, rtol=0.05, atol=10 * exactly)


def test_a_folded_map_does_to_the_stream_what_the_map_does_behind_the_norm() -> None:
    torch.manual_seed(0)
    module = layer_norm(16)
    norm = norm_of(module, torch.randn(1, 16))
    assert norm is not None
    weight, x = torch.randn(9, 16), torch.randn(4, 16)
    size = (x - x.mean(dim=1, keepdim=True)).square().mean(dim=1, keepdim=True).sqrt()
    with torch.no_grad():
        behind = (module(x) - module.bias) @ weight.T
    torch.testing.assert_close(x @ norm.fold(weight).T / size, behind, rtol=1e-4, atol=1e-4)


class Bent(nn.Module):
    """The identity, and something on top."""

    def forward(self, x: Tensor) -> Tensor:
        return x + 0.3 * torch.nn.functional.gelu(x)


class Failing(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        raise RuntimeError("not for such an input")


@pytest.mark.parametrize(
    "module",
    [nn.Linear(16, 16), nn.GELU(), nn.Tanh(), nn.Identity(), Bent(), Failing(), nn.Linear(16, 8), nn.Softmax(dim=-1)],
    ids=lambda module: f"{module}",
)
def test_what_is_no_norm_is_not_taken_for_one(module: nn.Module) -> None:
    assert norm_of(module, torch.randn(2, 3, 16)) is None


def test_three_numbers_are_too_few_to_tell() -> None:
    assert norm_of(nn.LayerNorm(3), torch.randn(2, 3)) is None


# --- forwards that start at a block -------------------------------------------------------------------------

SOME = ("gpt2", "llama", "gptj", "gemma2", "bloom", "falcon", "opt", "gpt_neox", "mpt", "phi3")


def logits_of(loaded: LoadedModel, ids: Tensor) -> Tensor:
    model: Any = loaded.model
    with torch.inference_mode():
        logits: Tensor = model(input_ids=ids, attention_mask=torch.ones_like(ids), use_cache=False).logits
    return logits


def forwards_replaced(loaded: LoadedModel) -> int:
    return sum("forward" in loaded.model.get_submodule(layer.block).__dict__ for layer in loaded.layers)


@pytest.mark.parametrize("model_type", SOME)
def test_a_forward_that_starts_at_a_block_ends_in_the_same_logits(load: Load, model_type: str) -> None:
    loaded = load(model_type)
    ids = torch.tensor([loaded.tokenizer.encode("The dog ate an apple in Paris.")])
    with keeping_entries(loaded, loaded.layers) as entries:
        whole = logits_of(loaded, ids)
    for layer in loaded.layers:
        other = torch.zeros_like(ids).expand(3, -1)  # what the earlier blocks would have read is not looked at
        with starting_at(loaded, layer, entries, 3):
            from_here = logits_of(loaded, ids.expand(3, -1) if model_type == "bloom" else other)
            assert forwards_replaced(loaded) == layer.layer
        torch.testing.assert_close(from_here, whole.expand(3, -1, -1), rtol=1e-4, atol=1e-4)
    assert forwards_replaced(loaded) == hooks_left(loaded.model) == 0
    torch.testing.assert_close(logits_of(loaded, ids), whole)


def test_the_blocks_before_do_not_run_and_are_restored_after_a_failure(load: Load) -> None:
    loaded = load("llama")
    ids = torch.tensor([loaded.tokenizer.encode("The dog ate an apple in Paris.")])
    with keeping_entries(loaded, loaded.layers) as entries:
        whole = logits_of(loaded, ids)
    ran: list[int] = []
    for layer in loaded.layers:
        layer.module.register_forward_pre_hook(lambda _module, _args, at=layer.layer: ran.append(at))
    try:
        with pytest.raises(ZeroDivisionError), starting_at(loaded, loaded.layers[2], entries, 1):
            logits_of(loaded, ids)
            raise ZeroDivisionError
    finally:
        for layer in loaded.layers:
            layer.module._forward_pre_hooks.clear()
    assert ran == [2]
    assert forwards_replaced(loaded) == hooks_left(loaded.model) == 0
    torch.testing.assert_close(logits_of(loaded, ids), whole)


def test_a_block_is_the_module_with_the_number(load: Load) -> None:
    assert [layer.block for layer in load("opt").layers] == [f"model.decoder.layers.{i}" for i in range(N_LAYERS)]
    assert load("opt").layers[0].width == D_MLP


@pytest.mark.parametrize(
    ("model_type", "said"),
    [
        ("bert", "reads its logits from something else"),  # a layer of its own in the head
        ("bert-generation", "normalizes the residual stream after each block"),
        ("git", "normalizes the residual stream after each block"),
        ("rwkv", "is multiplied element by element"),
        ("inkling_text", "passes mlp_sconv"),
        ("zamba", "passes linear"),
        ("hrm_text", "do not follow one another once"),
        ("blt", "do not follow one another once"),
    ],
)
def test_neurons_whose_weights_do_not_tell_what_they_do_to_the_logits(load: Load, model_type: str, said: str) -> None:
    with pytest.raises(UnsupportedModel, match=said):
        find_unembedding(load(model_type))


@pytest.mark.parametrize("model_type", ["qwen2_moe", "olmoe", "afmoe", "gpt_oss", "longcat_flash", "recurrent_gemma"])
def test_experts_and_capped_logits_have_a_way_to_the_logits(load: Load, model_type: str) -> None:
    loaded = load(model_type)
    unembedding = find_unembedding(loaded)
    assert unembedding.error <= unembedding.tolerance
    for layer in loaded.layers:
        written = unembedding.written_by(layer)
        assert written.shape == (layer.width, D_MODEL)
        part = layer.parts[-1]
        expert = part.experts - 1
        one = unembedding.written_by_neuron(layer, part.width - 1, expert)
        assert torch.allclose(one, written[-1])
