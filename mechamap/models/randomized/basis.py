"""The same model with the neurons of each layer in another basis: what a neuron is becomes arbitrary.

With Q orthogonal, activations x and output weights W of a layer become xQ and QᵀW. Their product, which is all that the
rest of the model sees, stays the same, but no axis is one that the nonlinearity chose.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from mechamap.models.neurons.experts import FusedExperts
from mechamap.models.neurons.layers import NeuronLayer, NeuronPart

if TYPE_CHECKING:
    from torch.utils.hooks import RemovableHandle

    from mechamap.models.neurons.activations import Activations

__all__ = ["LARGEST_BLOCK", "Rotation", "rotated_layers"]

LARGEST_BLOCK = 1024  # neurons that are rotated into each other; a whole wide layer would take minutes to draw


@dataclass(frozen=True, slots=True, eq=False)
class Rotation:
    """A random orthogonal map of ``width`` neurons, in random blocks of at most :data:`LARGEST_BLOCK`.

    Blocks of one size share their matrix, in all layers. Which neurons are in a block, and in which order, is drawn for
    each layer anew, and so the basis is too.

    Attributes:
        order: ``[width]``, the neurons block by block.
        ends: of the blocks.
        seed: of their matrices.
    """

    order: Tensor
    ends: tuple[int, ...]
    seed: int

    def forth(self, values: Tensor) -> Tensor:
        """``[..., width]`` in the rotated basis, float32."""
        shuffled = values.float()[..., self.order.to(values.device)]
        return torch.cat([piece @ block for piece, block in self._pieces(shuffled)], dim=-1)

    def back(self, rotated: Tensor) -> Tensor:
        """``[..., width]`` in the model's own basis, float32."""
        shuffled = torch.cat([piece @ block.T for piece, block in self._pieces(rotated.float())], dim=-1)
        return shuffled[..., torch.argsort(self.order).to(rotated.device)]

    def _pieces(self, values: Tensor) -> list[tuple[Tensor, Tensor]]:
        sizes = [end - start for start, end in zip((0, *self.ends), self.ends, strict=False)]
        blocks = (_orthogonal(size, self.seed).to(values.device) for size in sizes)
        return list(zip(torch.split(values, sizes, dim=-1), blocks, strict=True))


def rotation(width: int, seed: int, name: str) -> Rotation:
    """A rotation of ``width`` neurons; ``name`` tells that of one layer from another's."""
    rng = np.random.default_rng((seed, zlib.crc32(name.encode())))
    count = math.ceil(width / LARGEST_BLOCK)
    ends = tuple(width * (number + 1) // count for number in range(count))
    return Rotation(torch.from_numpy(rng.permutation(width)), ends, seed)


@cache
def _orthogonal(size: int, seed: int) -> Tensor:
    """A random orthogonal matrix ``[size, size]`` float32, uniform (Haar): Mezzadri 2007, arXiv:math-ph/0609050."""
    rng = np.random.default_rng((seed, size))
    q, r = np.linalg.qr(rng.standard_normal((size, size)))
    return torch.from_numpy((q * np.sign(np.diagonal(r))).astype(np.float32))


def rotated_layers(layers: Sequence[NeuronLayer], seed: int) -> tuple[NeuronLayer, ...]:
    """The layers with their neurons in a random basis; those of all experts of a part are rotated alike."""
    return tuple(replace(layer, parts=tuple(_rotated(part, seed) for part in layer.parts)) for layer in layers)


def _rotated(part: NeuronPart, seed: int) -> NeuronPart:
    # Layers that share a part share its rotation. Shared experts are one part, and their weights are kept expert by
    # expert, so that each has to stay in its own neurons.
    width = part.fused.width if part.fused is not None else part.width
    turned = rotation(width, seed, part.path)
    members: dict[str, Any] = {field.name: getattr(part, field.name) for field in fields(NeuronPart)}
    if part.fused is not None:
        kept = {field.name: getattr(part.fused, field.name) for field in fields(FusedExperts)}
        members["fused"] = _RotatedExperts(**kept, rotation=turned)
    return _RotatedPart(**members, rotation=turned)


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class _RotatedExperts(FusedExperts):
    rotation: Rotation

    def weight(self, expert: int) -> Tensor:
        return _of_rows(self.rotation, FusedExperts.weight(self, expert))


@dataclass(frozen=True, eq=False, kw_only=True)
class _RotatedPart(NeuronPart):
    rotation: Rotation

    def weight(self, expert: int = 0) -> Tensor:
        weight = super().weight(expert)
        return weight if self.fused is not None else _of_rows(self.rotation, weight)  # experts have theirs rotated

    def watch(self, hook: Callable[[Activations], Tensor | None]) -> RemovableHandle:
        def rotating(activations: Activations) -> Tensor | None:
            values = activations.values
            width = len(self.rotation.order)  # shared experts lie side by side, each rotated by itself
            by_unit = values.reshape(*values.shape[:-1], values.shape[-1] // width, width)
            replaced = hook(replace(activations, values=self.rotation.forth(by_unit).flatten(-2)))
            if replaced is None:
                return None
            return self.rotation.back(replaced.view(by_unit.shape)).flatten(-2).to(values.dtype)

        return super().watch(rotating)


def _of_rows(rotation: Rotation, weight: Tensor) -> Tensor:
    """Output weights ``[width, d_model]`` of the rotated neurons, in the weights' number format."""
    return rotation.forth(weight.T).T.to(weight.dtype)
