"""Norms are known by what they do."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from mechamap.models.norms import norm_of


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
