from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from support.by_name import load_model
from support.hooks import hooks_left
from support.tiny_models import D_MLP, D_MODEL, N_LAYERS
from torch import Tensor, nn

from mechamap.errors import ModelError, UnsupportedModel
from mechamap.models.loaded import LoadedModel
from mechamap.models.proof import prove
from mechamap.system.plain_values import to_plain_values


@pytest.fixture
def loaded(tiny_models: Callable[..., Path]) -> LoadedModel:
    return load_model(str(tiny_models("gpt2")), device="cpu")


def with_layer(loaded: LoadedModel, layer: int, module: nn.Module, width: int) -> LoadedModel:
    """The same model with ``module`` taken for one layer's down-projection."""
    layers = list(loaded.layers)
    (part,) = layers[layer].parts
    layers[layer] = replace(layers[layer], parts=(replace(part, module=module, width=width),))
    return replace(loaded, layers=tuple(layers))


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
def test_the_proof_holds_in_every_number_format(tiny_models: Callable[..., Path], dtype: str) -> None:
    for model_type in ("gpt2", "llama", "falcon"):
        loaded = load_model(str(tiny_models(model_type)), device="cpu", dtype=dtype)
        for proof in prove(loaded):
            assert proof.finite
            assert proof.rebuild_error is not None
            assert proof.rebuild_error <= proof.tolerance
            assert proof.zero_error == 0.0
            assert proof.removal_error is not None
            assert proof.removal_error <= proof.tolerance
            assert proof.scale == pytest.approx(1.0, abs=5e-2)


def test_the_record_says_what_was_seen_and_goes_into_json(loaded: LoadedModel) -> None:
    record = json.loads(json.dumps(to_plain_values(prove(loaded))))
    assert [entry["times"] for entry in record] == ["number"] * N_LAYERS
    assert [entry["layer"] for entry in record] == list(range(N_LAYERS))
    assert record[1]["path"] == "transformer.h.1.mlp.c_proj"
    assert (record[1]["width"], record[1]["expected_width"]) == (D_MLP, D_MLP)
    assert record[1]["tokens"] > 1


def test_a_module_that_never_runs_is_found_out(loaded: LoadedModel) -> None:
    with pytest.raises(UnsupportedModel, match=r"layer 1 .*ran 0 times"):
        prove(with_layer(loaded, 1, nn.Linear(D_MLP, D_MODEL), D_MLP))


def test_a_module_that_runs_twice_in_a_forward_is_found_out(loaded: LoadedModel) -> None:
    first = loaded.layers[0].module
    loaded.model.get_submodule("transformer.h.2.mlp").c_proj = first  # shared between two blocks
    with pytest.raises(UnsupportedModel, match=r"layer 0 .*ran 2 times"):
        prove(loaded)


def test_a_module_of_the_wrong_width_is_found_out(loaded: LoadedModel) -> None:
    wrong = loaded.model.get_submodule("transformer.h.2.mlp.c_fc")  # reads the residual stream
    with pytest.raises(UnsupportedModel, match=f"layer 2 .*expected {D_MLP} neurons, but the hook saw {D_MODEL}"):
        prove(with_layer(loaded, 2, wrong, D_MODEL))


def test_an_output_that_is_not_weights_times_neurons_is_found_out(loaded: LoadedModel) -> None:
    class Doubling(nn.Linear):
        def forward(self, x: Tensor) -> Tensor:
            return 2 * super().forward(x)

    module = Doubling(D_MLP, D_MODEL)
    loaded.model.get_submodule("transformer.h.0.mlp").c_proj = module
    with pytest.raises(UnsupportedModel, match=r"layer 0 .*expected activations times output weights"):
        prove(with_layer(loaded, 0, module, D_MLP))


def test_an_output_that_does_not_need_the_neurons_is_found_out(loaded: LoadedModel) -> None:
    class Stubborn(nn.Linear):
        """Gives every row of a batch what the first one's neurons make."""

        def forward(self, x: Tensor) -> Tensor:
            return super().forward(x[:1].expand_as(x))

    module = Stubborn(D_MLP, D_MODEL)
    loaded.model.get_submodule("transformer.h.0.mlp").c_proj = module
    with pytest.raises(UnsupportedModel, match=r"layer 0 .*its bias once all neurons are zero"):
        prove(with_layer(loaded, 0, module, D_MLP))


def test_a_block_that_does_something_else_with_the_output_is_found_out(loaded: LoadedModel) -> None:
    mlp = loaded.model.get_submodule("transformer.h.1.mlp")
    own = type(mlp).forward

    def squared(x: Tensor) -> Tensor:
        written: Tensor = own(mlp, x)
        return written.abs()

    mlp.forward = squared  # type: ignore[assignment]
    with pytest.raises(UnsupportedModel, match=r"layer 1 .*expected the block transformer\.h\.1 to lack exactly"):
        prove(loaded)


def test_a_block_that_ignores_its_neurons_is_found_out(loaded: LoadedModel) -> None:
    mlp = loaded.model.get_submodule("transformer.h.2.mlp")
    own = type(mlp).forward
    mlp.forward = lambda x: 0 * own(mlp, x)  # type: ignore[assignment]
    with pytest.raises(UnsupportedModel, match=r"layer 2 .*lacks something else"):
        prove(loaded)


@pytest.mark.parametrize(
    ("model_type", "through"),
    [
        ("gemma2", ["post_feedforward_layernorm"]),  # a norm of its own before it is added
        ("bert", ["output.LayerNorm"]),  # added, and the sum is normalized
        ("rwkv", []),  # times a gate for each element
        ("granite", []),  # times a number
        ("gemma4_text", ["post_feedforward_layernorm", "per_layer_input_gate"]),  # another sublayer behind it
    ],
)
def test_the_contribution_is_followed_to_the_output_of_the_block(
    tiny_models: Callable[..., Path], model_type: str, through: list[str]
) -> None:
    changes = {"residual_multiplier": 0.25} if model_type == "granite" else {}
    proofs = prove(load_model(str(tiny_models(model_type, **changes)), device="cpu"))
    for proof in proofs:
        assert list(proof.through) == through
        assert proof.removal_error is not None
        assert proof.removal_error <= proof.tolerance
        assert proof.scale == (pytest.approx(0.25, rel=1e-4) if model_type == "granite" else None)


def test_a_layer_that_overflows_is_flagged_and_so_are_those_it_feeds(loaded: LoadedModel) -> None:
    with torch.no_grad():
        loaded.model.get_submodule("transformer.h.1.mlp.c_fc").bias.fill_(float("inf"))
    proofs = prove(loaded)
    assert [proof.finite for proof in proofs] == [True, False, False]
    assert proofs[1].rebuild_error is proofs[1].removal_error is proofs[1].largest_error is None
    assert proofs[0].removal_error == pytest.approx(0, abs=1e-6)
    json.dumps(to_plain_values(proofs), allow_nan=False)


def test_a_model_that_overflows_everywhere_is_not_scanned(loaded: LoadedModel) -> None:
    with torch.no_grad():
        loaded.model.get_submodule("transformer.h.0.mlp.c_fc").bias.fill_(float("inf"))
    with pytest.raises(ModelError, match=r"layer 0 .*infinite in float32, and so are those of all layers") as caught:
        prove(loaded)
    assert "The weights of layer 0 hold infinite numbers: transformer.h.0.mlp.c_fc.bias" in caught.value.message
    assert "--dtype" not in str(caught.value.hint)


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_a_contribution_far_below_the_stream_is_not_taken_for_another(
    tiny_models: Callable[..., Path], dtype: str
) -> None:
    loaded = load_model(str(tiny_models("llama")), device="cpu", dtype=dtype)
    with torch.no_grad():
        loaded.model.get_input_embeddings().weight.mul_(1000)  # type: ignore[operator]
        loaded.model.get_input_embeddings().weight[3:5].mul_(0.001)  # type: ignore[index]
    for proof in prove(loaded):
        assert proof.removal_error is not None
        assert proof.removal_error <= proof.tolerance


def test_no_hook_is_left_behind_whether_the_proof_holds_or_not(loaded: LoadedModel) -> None:
    before = hooks_left(loaded.model)
    prove(loaded)
    assert hooks_left(loaded.model) == before
    with pytest.raises(UnsupportedModel):
        prove(with_layer(loaded, 1, nn.Linear(D_MLP, D_MODEL), D_MLP))
    assert hooks_left(loaded.model) == before


def test_a_model_that_cannot_run_is_an_error_of_ours(loaded: LoadedModel) -> None:
    loaded.model.get_submodule("transformer.h.1").mlp = None
    with pytest.raises(ModelError, match="cannot be used"):
        prove(loaded)


@pytest.mark.smollm2
def test_the_real_model_is_proved_on_all_its_layers(smollm2_path: Path) -> None:
    proofs = prove(load_model(str(smollm2_path), device="cpu"))
    assert len(proofs) == 30
    assert {proof.width for proof in proofs} == {1536}
    assert max(proof.largest_error or 0.0 for proof in proofs) < 1e-5
    assert all(proof.removal_error is not None and proof.scale == pytest.approx(1, abs=1e-3) for proof in proofs)
