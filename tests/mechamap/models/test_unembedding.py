"""The way from the residual stream to the logits, in every architecture as its own formula has it, and checked."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from typing import Any

import pytest
import torch
from support.dense_types import DENSE
from support.hooks import hooks_left
from support.tiny_models import D_MODEL
from torch import Tensor, nn

from mechamap.errors import UnsupportedModel
from mechamap.models.loaded import LoadedModel
from mechamap.models.unembedding import Unembedding
from mechamap.models.unembedding_search import find_unembedding
from mechamap.system.plain_values import to_plain_values

Load = Callable[..., LoadedModel]


def close(actual: Tensor, expected: Tensor) -> None:
    torch.testing.assert_close(actual, expected.float(), rtol=1e-4, atol=1e-5)


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
        def forward(self, x: Tensor) -> Tensor:
            noise = torch.randn(self.out_features, generator=torch.Generator().manual_seed(0))
            return super().forward(x) * (1 + 0.1 * noise)

    loaded = load("llama")
    head: Any = loaded.model.get_submodule("lm_head")
    noisy = Noisy(head.in_features, head.out_features, bias=False)
    noisy.weight = head.weight
    with pytest.raises(UnsupportedModel, match=r"from model\.norm and lm_head differ from the model's by 0\.\d"):
        find_unembedding(changed(loaded, noisy))


def test_an_unknown_norm_is_found_out(load: Load) -> None:
    class Squashing(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.ones(D_MODEL))

        def forward(self, x: Tensor) -> Tensor:
            return torch.tanh(x) * self.weight

    loaded = load("llama")
    model: Any = deepcopy(loaded.model)
    model.model.norm = Squashing()
    with pytest.raises(UnsupportedModel, match=r"model\.norm before the output embedding is not a known norm"):
        find_unembedding(replace(loaded, model=model))


def test_a_model_without_an_output_embedding_is_refused(load: Load) -> None:
    with pytest.raises(UnsupportedModel, match="no output embedding"):
        find_unembedding(changed(load("llama"), None))


@pytest.mark.parametrize(
    ("model_type", "reason"),
    [
        ("bert", "does not read its logits from the output of the last block"),  # a layer of its own in the head
        ("bert-generation", "normalizes the residual stream after each block"),
        ("git", "normalizes the residual stream after each block"),
        ("rwkv", "is multiplied element by element"),
        ("inkling_text", "passes mlp_sconv"),
        ("zamba", "passes linear"),
        ("hrm_text", "do not follow one another once"),
        ("blt", "do not follow one another once"),
    ],
)
def test_neurons_whose_weights_do_not_tell_what_they_do_to_the_logits(load: Load, model_type: str, reason: str) -> None:
    with pytest.raises(UnsupportedModel, match=reason):
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
