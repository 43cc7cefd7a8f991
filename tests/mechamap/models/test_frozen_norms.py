"""Norms with a fixed size: the same output, and the gradient of the linear map that they are at that size."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from support.by_name import load_model
from torch import Tensor, nn

from mechamap.models.frozen_norms import find_norms, frozen_norms
from mechamap.models.norms import Norm

WIDTH = 24
EPSILON = 0.05  # so large that leaving it out shows


class RmsNorm(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(WIDTH))

    def forward(self, x: Tensor) -> Tensor:
        return x * torch.rsqrt(x.square().mean(dim=-1, keepdim=True) + EPSILON) * self.weight


def layer_norm() -> nn.LayerNorm:
    norm = nn.LayerNorm(WIDTH, eps=EPSILON)
    nn.init.normal_(norm.weight)
    nn.init.normal_(norm.bias)
    return norm


class Model(nn.Module):
    """Neurons that are added to a stream, a norm, and a linear head."""

    def __init__(self, norm: nn.Module) -> None:
        super().__init__()
        self.norm = norm
        self.write, self.head = nn.Linear(7, WIDTH, bias=False), nn.Linear(WIDTH, 5)

    def stream(self, neurons: Tensor, rest: Tensor) -> Tensor:
        written: Tensor = self.write(neurons)
        return rest + written

    def forward(self, neurons: Tensor, rest: Tensor) -> Tensor:
        out: Tensor = self.head(self.norm(self.stream(neurons, rest)))
        return out


def size(kind: str, stream: Tensor) -> Tensor:
    if kind == "LayerNorm":
        stream = stream - stream.mean(dim=-1, keepdim=True)
    return (stream.square().mean(dim=-1, keepdim=True) + EPSILON).sqrt()


@pytest.mark.parametrize("kind", ["LayerNorm", "RMSNorm"])
def test_behind_a_frozen_norm_a_linear_head_is_attributed_exactly(kind: str) -> None:
    torch.manual_seed(0)
    model = Model(layer_norm() if kind == "LayerNorm" else RmsNorm()).requires_grad_(False)
    neurons, rest = torch.randn(3, 7), torch.randn(3, WIDTH)
    weight, bias = model.norm.weight, getattr(model.norm, "bias", torch.zeros(WIDTH))
    assert isinstance(weight, Tensor)
    norm = Norm(weight, bias, kind == "LayerNorm")
    plain = model(neurons, rest)
    neurons.requires_grad_()
    loaded: Any = SimpleNamespace(model=model)
    with frozen_norms(loaded, {"norm": norm}):
        frozen = model(neurons, rest)
    assert torch.equal(frozen, plain)
    before = size(kind, model.stream(neurons.detach(), rest))
    for logit in range(5):
        (gradient,) = torch.autograd.grad(frozen[:, logit].sum(), neurons, retain_graph=True)
        for neuron in range(7):
            without = neurons.detach().clone()
            without[:, neuron] = 0
            stream = model.stream(without, rest)
            moved = model.head(_at_size(model.norm, kind, stream, before))[:, logit] - plain[:, logit]
            expected = -neurons.detach()[:, neuron] * gradient[:, neuron]
            torch.testing.assert_close(moved, expected, rtol=1e-3, atol=1e-5)


def _at_size(norm: Any, kind: str, stream: Tensor, at: Tensor) -> Tensor:
    """The norm of a stream, divided by the size of another one."""
    if kind == "LayerNorm":
        stream = stream - stream.mean(dim=-1, keepdim=True)
    bias = norm.bias if kind == "LayerNorm" else 0
    return stream / at * norm.weight + bias


@pytest.mark.parametrize(
    ("architecture", "names", "count"),
    [
        ("gpt2", {"ln_1", "ln_2", "ln_f"}, 7),
        ("llama", {"input_layernorm", "post_attention_layernorm", "norm"}, 7),
        ("qwen3", {"input_layernorm", "post_attention_layernorm", "norm", "q_norm", "k_norm"}, 13),
        ("gptj", {"ln_1", "ln_f"}, 4),
    ],
)
def test_the_norms_of_a_model_are_found(
    architecture: str, names: set[str], count: int, tiny_models: Callable[..., Path]
) -> None:
    norms = find_norms(load_model(str(tiny_models(architecture)), device="cpu"))
    assert {path.rpartition(".")[2] for path in norms} == names
    assert len(norms) == count
    assert {norm.centred for norm in norms.values()} == {architecture in {"gpt2", "gptj"}}
