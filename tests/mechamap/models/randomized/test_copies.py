"""Random counterparts of a model: what is changed in them, and that the model itself never is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from support.by_name import load_model

from mechamap.config.choices import RANDOMIZE
from mechamap.errors import OutOfMemory, UnsupportedModel
from mechamap.models.loaded import LoadedModel
from mechamap.models.neurons.activations import Activations
from mechamap.models.proof import prove
from mechamap.models.randomized.basis import rotation
from mechamap.models.randomized.copies import copied_bytes, randomized_model
from mechamap.protocol.requests import ConfirmParams, read_params

IDS = torch.tensor([[1, 40, 80, 120, 200, 7]])


@pytest.fixture(scope="module", params=["gpt2", "llama", "mixtral"])
def loaded(request: pytest.FixtureRequest, tiny_models: Callable[..., Path]) -> LoadedModel:
    return load_model(str(tiny_models(request.param)), device="cpu")


def weights_of(loaded: LoadedModel) -> dict[str, torch.Tensor]:
    return {name: tensor.clone() for name, tensor in loaded.model.named_parameters()}


def assert_same(loaded: LoadedModel, before: dict[str, torch.Tensor]) -> None:
    for name, tensor in loaded.model.named_parameters():
        assert torch.equal(tensor, before[name]), name


def test_shuffling_moves_the_entries_of_matrices_and_nothing_else(loaded: LoadedModel) -> None:
    before = weights_of(loaded)
    shuffled = randomized_model(loaded, "weights", 3)
    assert_same(loaded, before)
    matrices = 0
    for name, weights in shuffled.model.named_parameters():
        if weights.ndim < 2:
            assert torch.equal(weights, before[name]), name
            continue
        matrices += 1
        assert not torch.equal(weights, before[name]), name
        assert torch.equal(weights.flatten().sort().values, before[name].flatten().sort().values), name
    assert matrices > 10
    again = weights_of(randomized_model(loaded, "weights", 3))
    assert_same(shuffled, again)
    assert copied_bytes(loaded, "weights") >= sum(tensor.nbytes for tensor in before.values())


def test_a_copy_is_searched_by_its_own_modules_and_weights_stay_tied(loaded: LoadedModel) -> None:
    shuffled = randomized_model(loaded, "weights", 0)
    for layer, own in zip(shuffled.layers, loaded.layers, strict=True):
        for part, original in zip(layer.parts, own.parts, strict=True):
            assert part.module is shuffled.model.get_submodule(part.path)
            assert part.module is not original.module
            if part.fused is not None:
                assert part.fused.module is part.module
    tied = [model.get_input_embeddings().weight is model.lm_head.weight for model in (loaded.model, shuffled.model)]
    assert tied[0] == tied[1]


def test_initialization_is_that_of_the_architecture_and_leaves_the_random_numbers_of_others_alone(
    loaded: LoadedModel,
) -> None:
    before, state = weights_of(loaded), torch.random.get_rng_state()
    fresh = randomized_model(loaded, "layers", 1)
    assert torch.equal(torch.random.get_rng_state(), state)
    assert_same(loaded, before)
    matrix = dict(fresh.model.named_parameters())[f"{loaded.layers[1].path}.weight"] if loaded.layers[1].dense else None
    if matrix is not None:  # those of the tiny models were drawn with 0.2
        assert matrix.std() < 0.05
        assert fresh.layers[1].parts[0].weight().std() < 0.05, "the copy's layers hold the new weights"
    other = dict(randomized_model(loaded, "layers", 2).model.named_parameters())
    assert any(not torch.equal(weights, other[name]) for name, weights in fresh.model.named_parameters())


def test_a_rotated_basis_is_proved_like_any_other_and_changes_nothing_in_the_model(loaded: LoadedModel) -> None:
    before = weights_of(loaded)
    with torch.inference_mode():
        logits = loaded.model(input_ids=IDS).logits
    rotated = randomized_model(loaded, "basis", 5)
    assert rotated.model is loaded.model
    assert all(part.finite for part in prove(rotated))
    seen: dict[str, list[Activations]] = {"own": [], "rotated": []}

    def watch(kind: str) -> Callable[[Activations], None]:
        return seen[kind].append

    layers = (loaded.layers[1], rotated.layers[1])
    handles = [part.watch(watch(kind)) for kind, layer in zip(seen, layers, strict=True) for part in layer.parts]
    with torch.inference_mode():
        assert torch.equal(loaded.model(input_ids=IDS).logits, logits)
    for handle in handles:
        handle.remove()
    assert_same(loaded, before)
    own, turned = (activations[0].values for activations in seen.values())
    assert own.shape == turned.shape
    assert not torch.allclose(own, turned, atol=1e-2)
    torch.testing.assert_close(own.norm(dim=1), turned.norm(dim=1), rtol=1e-4, atol=1e-5)
    written = [values @ layer.parts[0].weight(0) for values, layer in zip((own, turned), layers, strict=True)]
    torch.testing.assert_close(*written, rtol=1e-3, atol=1e-4)


def test_what_a_hook_puts_in_the_place_of_rotated_activations_reaches_the_model() -> None:
    turned = rotation(30, 0, "a")
    values = torch.randn(4, 30)
    torch.testing.assert_close(turned.back(turned.forth(values)), values, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("width", [7, 1024, 2500])
def test_a_rotation_is_orthogonal_in_blocks_that_are_not_too_large(width: int) -> None:
    turned = rotation(width, 0, "model.layers.3.mlp.down_proj")
    matrix = turned.forth(torch.eye(width))
    torch.testing.assert_close(matrix @ matrix.T, torch.eye(width), rtol=0, atol=1e-5)
    mixed = (matrix != 0).sum(dim=1)
    assert set(mixed.tolist()) <= {7, 1024, 833, 834}
    other = rotation(width, 0, "model.layers.4.mlp.down_proj").forth(torch.eye(width))
    assert not torch.allclose(matrix, other, atol=1e-3), "each layer has a basis of its own"


def test_what_cannot_be_copied_is_refused_with_what_can_be_done(
    loaded: LoadedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    packed = replace(loaded, packing="nf4 (bitsandbytes)")
    with pytest.raises(UnsupportedModel, match="are packed") as raised:
        randomized_model(packed, "weights", 0)
    assert "rotated basis" in str(raised.value.hint)
    assert randomized_model(packed, "basis", 0).packing == packed.packing
    monkeypatch.setattr("mechamap.models.randomized.copies.free_memory", lambda: 1000)
    with pytest.raises(OutOfMemory, match=r"takes .* free"):
        randomized_model(loaded, "layers", 0)


def test_the_engine_takes_the_ways_there_are() -> None:
    assert read_params("confirm", {"run": "r", "randomize": [*RANDOMIZE]}, ConfirmParams).randomize == tuple(RANDOMIZE)
