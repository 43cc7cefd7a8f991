"""Routed experts: fused weights that module hooks cannot see into, and how their neurons are captured.

Transformers keeps all experts of a layer in three-dimensional parameters of one module. Most such modules take their
computation from a registry by name, where ours is entered beside the library's own; the forward of the few others is
replaced. Either way one function computes the module's output, expert by expert, and passes every expert's neurons to
the hooks before they are multiplied by the output weights. The capture proof compares its results with the module's
own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mechamap.models.neurons.activations import Activations
from mechamap.models.neurons.expert_kinds import (
    is_dbrx,
    is_llama4,
    is_parallel,
    is_registered,
    is_shared,
    is_transposed,
)
from mechamap.models.neurons.weights import in_memory
from mechamap.models.transformers_internals import experts_computed_by

__all__ = ["FusedExperts", "fused_experts"]


@dataclass(frozen=True, slots=True, eq=False)
class FusedExperts:
    """All experts of a layer, as one module keeps them.

    Attributes:
        module: what computes them.
        experts: how many there are.
        width: neurons of each.
        shared: every token goes to all of them, so that together they are one dense MLP.
    """

    module: nn.Module
    experts: int
    width: int
    shared: bool = False

    def weight(self, expert: int) -> Tensor:
        """What each neuron of an expert writes, ``[width, d_model]``, before its routing weight; a view."""
        module: Any = self.module
        with in_memory(module):
            if is_dbrx(module):
                return module.mlp.w2.view(self.experts, self.width, -1)[expert]  # type: ignore[no-any-return]
            if is_parallel(module):
                return module.weight[expert].T  # type: ignore[no-any-return]
            down = module.down_proj[expert]
            return down if is_transposed(module) else down.T  # type: ignore[no-any-return]

    def bias(self, expert: int) -> Tensor | None:
        """What an expert writes with all its neurons at zero, ``[d_model]``, None where it has no bias."""
        if not getattr(self.module, "has_bias", False):
            return None
        with in_memory(self.module):
            return self.module.down_proj_bias[expert]  # type: ignore[index]

    def rebuilt(self, inputs: tuple[Any, ...], activations: Activations) -> Tensor:
        """The output that a call with ``given`` must have, from activations and weights alone."""
        if self.shared:
            weights = torch.cat([self.weight(expert) for expert in range(self.experts)])
            return (activations.values @ weights).view(inputs[0].shape)
        assert activations.tokens is not None
        pieces = torch.split(activations.values, list(activations.counts))
        rows = torch.cat([F.linear(piece, self.weight(e).T, self.bias(e)) for e, piece in enumerate(pieces)])
        if is_parallel(self.module):
            return rows  # [routed, d_model], in the order of its inputs
        if is_llama4(self.module):
            out = rows.new_zeros(self.experts, len(inputs[0]) // self.experts, rows.shape[-1])
            out[activations.experts(), activations.tokens] = rows
            return out.view(inputs[0].shape)
        if getattr(self.module, "has_post_expert_norm", False):
            rows = self.module.post_expert_norm(rows)  # type: ignore[operator]
        shape, hidden = inputs[0].shape, inputs[0].reshape(-1, inputs[0].shape[-1])
        index, weights = inputs[1].reshape(len(hidden), -1), inputs[2].reshape(len(hidden), -1).to(rows.dtype)
        share = weights.new_zeros(len(hidden), max(int(index.max()) + 1, self.experts)).scatter_add(1, index, weights)
        times = torch.zeros_like(share).scatter_add(1, index, torch.ones_like(weights))  # a router may choose one twice
        out = rows.new_zeros(hidden.shape)
        routes = activations.tokens, activations.experts()
        out.index_add_(0, activations.tokens, rows * (share / times.clamp(min=1))[routes][:, None])
        if hasattr(self.module, "identity_expert"):  # LongCat's experts past the last one return their input
            out += share[:, self.experts :].sum(dim=1, keepdim=True) * hidden
        return out.view(shape)

    def per_token(self, inputs: tuple[Any, ...], output: Tensor, activations: Activations) -> Tensor:
        """The module's output summed over each token's experts, ``[tokens, d_model]``."""
        if is_llama4(self.module):
            return output.view(self.experts, -1, output.shape[-1]).sum(dim=0)
        if is_parallel(self.module):
            assert activations.tokens is not None and activations.weights is not None
            out = output.new_zeros(int(activations.tokens.max()) + 1, output.shape[-1])
            return out.index_add(0, activations.tokens, output * activations.weights[:, None])
        return output.reshape(-1, output.shape[-1])

    def differs(self, inputs: tuple[Any, ...], output: Tensor) -> float:
        """max |seen - what the module's own code computes| / max |what it computes|, for a call with ``given``."""
        module = self.module
        with torch.inference_mode():
            if is_registered(module):
                with experts_computed_by(module, "eager"):
                    own = module(*inputs)
            else:
                own = type(module).forward(module, *inputs)
        scale = float(own.float().abs().max()) or 1.0
        return float((own.float() - output.float()).abs().max()) / scale


def fused_experts(module: nn.Module) -> FusedExperts | None:
    """The experts that a module keeps fused, None for any other module."""
    if is_dbrx(module):
        dbrx: Any = module
        return FusedExperts(module, int(dbrx.num_experts), dbrx.mlp.w2.shape[0] // int(dbrx.num_experts))
    down = module.__dict__["_parameters"].get("weight" if is_parallel(module) else "down_proj")
    if not isinstance(down, nn.Parameter) or down.ndim != 3:
        return None
    width = down.shape[1] if is_transposed(module) else down.shape[2]
    return FusedExperts(module, down.shape[0], width, shared=is_shared(module))
