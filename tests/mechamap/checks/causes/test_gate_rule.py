"""Halving the gradients of gates, however they are written, and of nothing else."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from mechamap.checks.causes.gate_rule import halve_gate


def silu_gate(x: Tensor, w: Tensor) -> Tensor:
    return F.silu(x @ w[:, :8]) * (x @ w[:, 8:])


def fused_and_chunked(x: Tensor, w: Tensor) -> Tensor:
    gate, up = (x @ w).chunk(2, dim=-1)
    return up * F.gelu(gate)


def written_out(x: Tensor, w: Tensor) -> Tensor:
    gate, up = (x @ w)[..., ::2], (x @ w)[..., 1::2].clamp(min=-3, max=3)
    return (up + 1) * (gate * torch.sigmoid(gate * 1.7))


def in_another_shape(x: Tensor, w: Tensor) -> Tensor:
    return silu_gate(x, w).reshape(2, 3, 8).transpose(0, 1).reshape(6, 8).double()


def gelu(x: Tensor, w: Tensor) -> Tensor:
    return F.gelu(x @ w)


def gelu_written_out(x: Tensor, w: Tensor) -> Tensor:
    before = x @ w
    return 0.5 * before * (1.0 + torch.tanh(0.8 * (before + 0.04 * torch.pow(before, 3.0))))


def relu_squared(x: Tensor, w: Tensor) -> Tensor:
    before = torch.relu(x @ w)
    return before * before


@pytest.mark.parametrize(
    ("neurons", "gates"),
    [
        (silu_gate, 1), (fused_and_chunked, 1), (written_out, 1), (in_another_shape, 1),
        (gelu, 0), (gelu_written_out, 0), (relu_squared, 0),
    ],
)  # fmt: skip
def test_the_gradient_behind_a_gate_is_half(neurons: object, gates: int) -> None:
    assert callable(neurons)
    torch.manual_seed(0)
    x, w = torch.randn(6, 5, requires_grad=True), torch.randn(5, 16)
    plain = neurons(x, w)
    (expected,) = torch.autograd.grad(plain.sum(), x)
    values = neurons(x, w)
    assert halve_gate(values) == gates
    (gradient,) = torch.autograd.grad(values.sum(), x, retain_graph=True)
    torch.testing.assert_close(gradient, expected / 2 if gates else expected)
    (again,) = torch.autograd.grad(values.sum(), x)  # a backward for every category
    torch.testing.assert_close(again, gradient)


def test_each_expert_has_its_gate() -> None:
    torch.manual_seed(0)
    x, w = torch.randn(6, 5, requires_grad=True), torch.randn(5, 16)
    pieces = [silu_gate(x[:2], w), silu_gate(x[2:], w)]
    assert halve_gate(torch.cat(pieces)) == 2


def test_a_product_of_two_maps_is_credited_once() -> None:
    """Of a bilinear product, input times gradient counts every product twice, and with the rule once."""
    torch.manual_seed(0)
    x, w = torch.randn(6, 5, requires_grad=True), torch.randn(5, 16)
    values = (x @ w[:, :8]) * (x @ w[:, 8:])
    halve_gate(values)
    (gradient,) = torch.autograd.grad(values.sum(), x)
    torch.testing.assert_close((x * gradient).sum(), values.sum())
