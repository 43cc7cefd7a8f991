"""What a normalization layer does, measured on two inputs: gain, bias, and whether it subtracts the mean.

Architectures spell their norms in dozens of classes (Gemma multiplies by 1 + weight, OLMo by nothing), so none is
recognized by its name. On an input of mean 0 and size 1 a norm gives its gain and bias; a second input proves it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor, nn

__all__ = ["Norm", "norm_of"]


_TOLERANCE = 2e-2  # of the largest output: what bfloat16 leaves


@dataclass(frozen=True, slots=True, eq=False)
class Norm:
    """x -> gain * (x - mean) / size + bias, with the mean only where ``centred``; the size is the rms of what is left.

    Attributes:
        gain, bias: ``[width]`` float32.
        centred: whether the mean is subtracted (LayerNorm) or not (RMSNorm).
    """

    gain: Tensor
    bias: Tensor
    centred: bool

    def direction(self, x: Tensor) -> Tensor:
        """``x`` ``[..., width]`` float32, normalized, before gain and bias."""
        if self.centred:
            x = x - x.mean(dim=-1, keepdim=True)
        return x / x.square().mean(dim=-1, keepdim=True).sqrt().clamp(min=1e-12)

    def fold(self, weight: Tensor) -> Tensor:
        """The rows of a linear map behind the norm, ``[rows, width]``, as a map of what stands before it.

        Exact up to the size that the norm divides by, which is one positive number per position.
        """
        folded = weight * self.gain
        return folded - folded.mean(dim=-1, keepdim=True) if self.centred else folded


def norm_of(module: nn.Module, like: Tensor) -> Norm | None:
    """The norm that a module is over its last dimension; None if it is something else.

    Args:
        like: an input it was given, ``[..., width]``, for width, dtype and device.
    """
    import torch

    width = like.shape[-1]
    if width < 4:
        return None
    flat = _flat(width).to(like.device)  # [width], mean 0, no zeros
    size = flat.square().mean().sqrt()
    generator = torch.Generator().manual_seed(0)
    # [width], mean not 0 and size not 1, so that what keeps the size is not taken for what makes it 1
    uneven = (3 * torch.randn(width, generator=generator) + 1.5).to(like.device)
    with torch.no_grad():  # not inference mode: what comes of it may be part of a graph
        rows = torch.stack([flat, -flat, uneven]).to(like.dtype).reshape(3, *(1,) * (like.ndim - 2), width)
        try:
            out = module(rows)
        except Exception:  # not a norm: it does not take a norm's input
            return None
        if not isinstance(out, torch.Tensor) or out.shape != rows.shape or not out.isfinite().all():
            return None
        up, down, uneven_output = out.float().to(like.device).reshape(3, width)
        norm_parts = (up - down) / 2 / (flat / size), (up + down) / 2
        uneven_input = rows.float().reshape(3, width)[2]
        for centred in (False, True):
            norm = Norm(*norm_parts, centred)
            expected = norm.direction(uneven_input) * norm.gain + norm.bias
            if float((expected - uneven_output).abs().max()) <= _TOLERANCE * max(
                float(uneven_output.abs().max()), 1e-6
            ):
                return norm
    return None


def _flat(width: int) -> Tensor:
    import torch

    signs = torch.ones(width)
    signs[1::2] = -1
    if width % 2:  # the last three of an odd width: 1, 1, -2
        signs[-3:] = torch.tensor([1.0, 1.0, -2.0])
    return signs
