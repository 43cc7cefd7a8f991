"""Routed experts: fused weights that module hooks see nothing inside of, and how their neurons are seen all the same.

Transformers keeps all experts of a layer in three-dimensional parameters of one module. Most such modules take their
computation from a registry by name, where ours is entered beside the library's own; the few others get theirs in
place of their own forward. Either way one function computes what the module did, expert by expert, and shows every
expert's neurons to whoever watches before they are multiplied by the output weights. The capture proof compares its
results with the module's own.
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

    def rebuilt(self, given: tuple[Any, ...], seen: Activations) -> Tensor:
        """What the module must give, from activations and weights alone, for a call with ``given``."""
        if self.shared:
            weights = torch.cat([self.weight(expert) for expert in range(self.experts)])
            return (seen.values @ weights).view(given[0].shape)
        assert seen.tokens is not None
        pieces = torch.split(seen.values, list(seen.counts))
        rows = torch.cat([F.linear(its, self.weight(e).T, self.bias(e)) for e, its in enumerate(pieces)])
        if is_parallel(self.module):
            return rows  # [routed, d_model], sorted as it was given them
        if is_llama4(self.module):
            out = rows.new_zeros(self.experts, len(given[0]) // self.experts, rows.shape[-1])
            out[seen.experts(), seen.tokens] = rows
            return out.view(given[0].shape)
        if getattr(self.module, "has_post_expert_norm", False):
            rows = self.module.post_expert_norm(rows)  # type: ignore[operator]
        shape, hidden = given[0].shape, given[0].reshape(-1, given[0].shape[-1])
        index, weights = given[1].reshape(len(hidden), -1), given[2].reshape(len(hidden), -1).to(rows.dtype)
        share = weights.new_zeros(len(hidden), max(int(index.max()) + 1, self.experts)).scatter_add(1, index, weights)
        times = torch.zeros_like(share).scatter_add(1, index, torch.ones_like(weights))  # a router may choose one twice
        out = rows.new_zeros(hidden.shape)
        at = seen.tokens, seen.experts()
        out.index_add_(0, seen.tokens, rows * (share / times.clamp(min=1))[at][:, None])
        if hasattr(self.module, "identity_expert"):  # LongCat's experts past the last one hand on what they are given
            out += share[:, self.experts :].sum(dim=1, keepdim=True) * hidden
        return out.view(shape)

    def per_token(self, given: tuple[Any, ...], output: Tensor, seen: Activations) -> Tensor:
        """The module's output summed over each token's experts, ``[tokens, d_model]``."""
        if is_llama4(self.module):
            return output.view(self.experts, -1, output.shape[-1]).sum(dim=0)
        if is_parallel(self.module):
            assert seen.tokens is not None and seen.weights is not None
            out = output.new_zeros(int(seen.tokens.max()) + 1, output.shape[-1])
            return out.index_add(0, seen.tokens, output * seen.weights[:, None])
        return output.reshape(-1, output.shape[-1])

    def differs(self, given: tuple[Any, ...], seen: Tensor) -> float:
        """max |seen - what the module's own code computes| / max |what it computes|, for a call with ``given``."""
        module = self.module
        with torch.inference_mode():
            if is_registered(module):
                with experts_computed_by(module, "eager"):
                    own = module(*given)
            else:
                own = type(module).forward(module, *given)
        scale = float(own.float().abs().max()) or 1.0
        return float((own.float() - seen.float()).abs().max()) / scale


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
