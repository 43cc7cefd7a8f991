"""A control vector adds to the stream behind a block what the neurons add inside it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from support.by_name import load_model
from support.plain_steering import plain_log_ps, plainly_steered

from mechamap.errors import ExportError, UnsupportedModel, UsageError
from mechamap.models.loaded import LoadedModel
from mechamap.runs.neuron_names import parse_neuron
from mechamap.steering.control_vector import control_directions, write_control_vector
from mechamap.steering.hooks import NeuronChange

IDS = torch.tensor([[0, 40, 17, 90, 33, 61]])


def change(name: str, value: float, *, adds: bool = True) -> NeuronChange:
    return NeuronChange(parse_neuron(name), value, adds)


CHANGES = [change("L1.N3", 5.0), change("L1.N40", -2.5), change("L2.N7", 3.0)]


@pytest.fixture
def loaded(tiny_models: Callable[..., Path]) -> LoadedModel:
    return load_model(str(tiny_models("llama")), device="cpu", dtype="float32")


def test_the_file_holds_the_weighted_sum_of_output_weights(loaded: LoadedModel, tmp_path: Path) -> None:
    from gguf import GGUFReader

    file = write_control_vector(tmp_path / "vector.gguf", loaded, control_directions(loaded, CHANGES))
    reader = GGUFReader(file)
    fields = {name: field.contents() for name, field in reader.fields.items()}
    assert fields["general.architecture"] == "controlvector"
    assert fields["controlvector.model_hint"] == "llama"
    assert fields["controlvector.layer_count"] == 2
    tensors = {tensor.name: np.array(tensor.data) for tensor in reader.tensors}
    assert sorted(tensors) == ["direction.1", "direction.2"]
    down = [layer.module.weight.detach().numpy() for layer in loaded.layers]  # [d_model, d_mlp] each
    np.testing.assert_allclose(tensors["direction.1"], 5 * down[1][:, 3] - 2.5 * down[1][:, 40], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(tensors["direction.2"], 3 * down[2][:, 7], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("model_type", ["llama", "gpt2"])
def test_added_behind_its_block_it_does_what_the_neurons_do(tiny_models: Callable[..., Path], model_type: str) -> None:
    loaded = load_model(str(tiny_models(model_type)), device="cpu", dtype="float32")
    directions = control_directions(loaded, CHANGES)
    with plainly_steered(loaded, CHANGES, slice(None)):
        expected = plain_log_ps(loaded, IDS)
    handles = []
    for layer, direction in directions.items():  # as llama.cpp does: behind block N, at every token

        def after(_module, _args, out, direction=direction):
            direction = torch.from_numpy(direction)
            return (out[0] + direction, *out[1:]) if isinstance(out, tuple) else out + direction

        block = loaded.model.get_submodule(loaded.layers[layer].block)
        handles.append(block.register_forward_hook(after))
    try:
        torch.testing.assert_close(plain_log_ps(loaded, IDS), expected, atol=1e-4, rtol=1e-4)
    finally:
        for handle in handles:
            handle.remove()
    assert (plain_log_ps(loaded, IDS) - expected).abs().max() > 1e-2


def test_what_a_vector_cannot_say_is_refused(loaded: LoadedModel, tiny_models: Callable[..., Path]) -> None:
    with pytest.raises(UsageError, match=r"behind which llama\.cpp adds no control vector"):
        control_directions(loaded, [change("L0.N3", 1.0)])
    with pytest.raises(UsageError, match="cannot hold neurons at a value"):
        control_directions(loaded, [change("L1.N3", 1.0, adds=False)])
    with pytest.raises(UsageError, match="not finite"):
        control_directions(loaded, [change("L1.N3", float("inf"))])
    experts = load_model(str(tiny_models("qwen2_moe")), device="cpu", dtype="float32")
    with pytest.raises(UsageError, match="depends on the router"):
        control_directions(experts, [change("L1.E0.N3", 1.0)])
    normed = load_model(str(tiny_models("gemma2")), device="cpu", dtype="float32")
    with pytest.raises(UnsupportedModel, match="does more with the output of its MLP than add it"):
        control_directions(normed, [change("L1.N3", 1.0)])


def test_an_existing_file_is_kept(loaded: LoadedModel, tmp_path: Path) -> None:
    target = tmp_path / "vector.gguf"
    target.write_bytes(b"mine")
    directions = control_directions(loaded, CHANGES)
    with pytest.raises(ExportError, match="already exists"):
        write_control_vector(target, loaded, directions)
    assert target.read_bytes() == b"mine"
    write_control_vector(target, loaded, directions, overwrite=True)
    assert target.read_bytes()[:4] == b"GGUF"
