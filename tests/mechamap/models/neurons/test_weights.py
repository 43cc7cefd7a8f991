from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from support.by_name import load_model
from support.packed_models import PACKED, save_packed
from torch import nn
from transformers.pytorch_utils import Conv1D

from mechamap.errors import UnsupportedModel
from mechamap.models.neurons.weights import in_memory, packing_tolerance, readable_bias, readable_weight


def answers(module: nn.Module, inputs: int) -> torch.Tensor:
    """What a linear layer makes of each of its inputs alone, ``[out, in]``: its weights, seen from outside."""
    with torch.inference_mode():
        return (module(torch.eye(inputs)) - (readable_bias(module) if readable_bias(module) is not None else 0)).T


def test_weights_in_full_are_read_as_a_linear_layer_keeps_them() -> None:
    linear, conv = nn.Linear(5, 3), Conv1D(3, 5)
    nn.init.normal_(conv.bias)
    for module in (linear, conv):
        weight = readable_weight(module)
        assert weight.shape == (3, 5)
        assert not weight.requires_grad
        assert weight.untyped_storage().data_ptr() == module.weight.untyped_storage().data_ptr()
        torch.testing.assert_close(weight, answers(module, 5))
        assert torch.equal(readable_bias(module), module.bias)
        assert packing_tolerance(module) == 0
    assert readable_bias(nn.Linear(5, 3, bias=False)) is None


@pytest.mark.parametrize(
    ("model_type", "how"),
    [*(("llama", how) for how in PACKED), ("gpt2", "int8"), ("gpt2", "nf4")],  # torchao does not pack Conv1D
)
def test_packed_weights_are_read_as_what_the_layer_multiplies_with(tmp_path: Path, how: str, model_type: str) -> None:
    loaded = load_model(str(save_packed(tmp_path / "model", how, model_type=model_type)), device="cpu")
    for layer in loaded.layers:
        weight = readable_weight(layer.module)
        assert weight.shape == (64, layer.width)
        off = 1e-2 if how in ("nf4-double", "ao-int8-dynamic") else 1e-3  # a product in bfloat16, or of rounded inputs
        seen = answers(layer.module, layer.width)
        assert (weight - seen).abs().max() <= off * seen.abs().max()


def test_reading_does_not_depend_on_whether_the_model_has_run(tmp_path: Path) -> None:
    for how in ("int8", "nf4"):
        loaded = load_model(str(save_packed(tmp_path / how, how)), device="cpu")
        before = readable_weight(loaded.layers[0].module)
        with torch.inference_mode():
            loaded.model(input_ids=torch.tensor([[1, 2, 3]]))
        assert torch.equal(readable_weight(loaded.layers[0].module), before)


def test_offloaded_weights_are_read_where_they_run_and_leave_memory_again(tiny_models: Callable[..., Path]) -> None:
    folder = tiny_models("phi")
    here = load_model(str(folder), device="cpu")
    away = load_model(str(folder), device_map={"": "cpu", "model.layers.1": "disk"})
    down, same = away.layers[1].module, here.layers[1].module
    assert down.weight.device.type == "meta"
    weight, bias = readable_weight(down), readable_bias(down)
    assert down.weight.device.type == "meta"
    assert torch.equal(weight, same.weight)
    assert torch.equal(bias, same.bias)
    with in_memory(away.model.get_submodule("model.layers.1")):
        assert all(its.device.type == "cpu" for its in away.model.get_submodule("model.layers.1").parameters())
        with in_memory(down):  # already there: it must still be there afterwards
            pass
        assert torch.equal(down.weight, same.weight)
    assert down.weight.device.type == "meta"


def test_what_has_no_weights_that_can_be_read_is_refused() -> None:
    with torch.device("meta"):
        unread = nn.Linear(5, 3)
    packed = nn.Linear(5, 3)
    packed.weight = nn.Parameter(torch.zeros(3, 5).to(torch.float8_e4m3fn), requires_grad=False)
    for module in (nn.ReLU(), unread, packed):
        with pytest.raises(UnsupportedModel, match=type(module).__name__):
            readable_weight(module)
