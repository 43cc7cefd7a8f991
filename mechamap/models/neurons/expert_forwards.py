"""The forwards of routed experts, which show their neurons to hooks before the output weights are applied.

Their results are those of the modules' own code, up to the order of sums. They go expert by expert, so that an expert's
tokens are consecutive rows of the activations.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.hooks import RemovableHandle

from mechamap.models.neurons.activations import HOOKS, Activations, Hook
from mechamap.models.neurons.expert_kinds import (
    is_dbrx,
    is_llama4,
    is_parallel,
    is_registered,
    is_shared,
    is_transposed,
)
from mechamap.models.neurons.experts import FusedExperts, fused_experts
from mechamap.models.transformers_internals import apply_gate, has_gate_function, register_experts

__all__ = ["remember_routing", "watch_experts"]


_NAME = "mechamap"  # ours in the registry
_ROUTING = "_tells_routing"


def watch_experts(module: nn.Module, hook: Hook) -> RemovableHandle:
    """Call ``hook`` with the activations of a module's experts; what it returns, ``[routed, width]``, replaces them."""
    if HOOKS not in module.__dict__:
        _install(module)
    hooks = module.__dict__[HOOKS]
    handle = RemovableHandle(hooks)
    hooks[handle.id] = hook
    return handle


def _install(module: nn.Module) -> None:
    """Have a module's calls computed here from now on; the results are the same up to the order of sums."""
    module.__dict__[HOOKS] = OrderedDict()
    if is_registered(module):
        register_experts(module, _NAME, _routed_forward)
        return
    if is_llama4(module):
        forward: Callable[..., Tensor] = _llama4_forward
    elif is_parallel(module):
        forward = _parallel_forward
    elif is_shared(module):
        forward = _shared_forward
    else:
        forward = _routed_forward
    module.__dict__["forward"] = forward.__get__(module)


def _shown(module: nn.Module, activations: Activations) -> Tensor:
    """The activations, as the hooks leave them."""
    values = activations.values
    for hook in tuple(module.__dict__.get(HOOKS, {}).values()):
        replaced = hook(replace(activations, values=values))
        values = values if replaced is None else replaced
    return values


def _routed_forward(module: Any, hidden_states: Tensor, top_k_index: Tensor, top_k_weights: Tensor) -> Tensor:
    """Experts that get tokens and, for each, the experts that it is routed to and their weights.

    Args:
        hidden_states: ``[tokens, d_model]``.
        top_k_index: ``[tokens, k]``; numbers past the last expert stand for none (or, in LongCat, for the identity).
        top_k_weights: ``[tokens, k]``.
    """
    shape = hidden_states.shape
    hidden = hidden_states.reshape(-1, shape[-1])  # [tokens, d_model]
    fused = fused_experts(module)
    assert fused is not None
    chosen = top_k_index.reshape(-1)  # [tokens * k]
    real = chosen < fused.experts
    order = torch.argsort(torch.where(real, chosen, fused.experts), stable=True)[: int(real.sum())]
    tokens = order // top_k_index.shape[-1]  # [routed]
    counts = torch.bincount(chosen[order], minlength=fused.experts).tolist()
    pieces = torch.split(hidden[tokens], counts)
    values = torch.cat([_neurons(module, expert, piece) for expert, piece in enumerate(pieces)])  # [routed, width]
    values = _shown(module, Activations(values, tokens, tuple(counts)))
    written = torch.cat([_written(fused, expert, piece) for expert, piece in enumerate(torch.split(values, counts))])
    if getattr(module, "has_post_expert_norm", False):
        written = module.post_expert_norm(written)
    weights = top_k_weights.reshape(-1)  # [tokens * k]
    written = written * weights[order, None]  # [routed, d_model]
    # Summed over each token's experts in their order, not by index_add, whose order differs from run to run on CUDA.
    slots = written.new_zeros(len(chosen), written.shape[-1]).index_copy(0, order, written)  # [tokens * k, d_model]
    if hasattr(module, "identity_expert"):
        slots = slots + torch.where(real, 0, weights)[:, None] * hidden.repeat_interleave(top_k_index.shape[-1], dim=0)
    return slots.view(len(hidden), -1, slots.shape[-1]).sum(dim=1).to(hidden_states.dtype).view(shape)


def _neurons(module: Any, expert: int, hidden: Tensor) -> Tensor:
    """The neurons of an expert, ``[its tokens, width]``."""
    if is_dbrx(module):
        gate, up = (w.view(module.num_experts, -1, hidden.shape[-1])[expert] for w in (module.mlp.w1, module.mlp.v1))
        return module.mlp.activation_fn(F.linear(hidden, gate)) * F.linear(hidden, up)  # type: ignore[no-any-return]
    gated = getattr(module, "has_gate", True)
    weight = (module.gate_up_proj if gated else module.up_proj)[expert]
    bias = None
    if getattr(module, "has_bias", False):
        bias = (module.gate_up_proj_bias if gated else module.up_proj_bias)[expert]
    before = F.linear(hidden, weight.T if is_transposed(module) else weight, bias)
    if not gated:
        return module.act_fn(before)  # type: ignore[no-any-return]
    if has_gate_function(module):
        return apply_gate(module, before)  # type: ignore[no-any-return]
    gate, up = before.chunk(2, dim=-1)
    return module.act_fn(gate) * up  # type: ignore[no-any-return]


def _written(fused: FusedExperts, expert: int, values: Tensor) -> Tensor:
    """What an expert's neurons write, ``[its tokens, d_model]``, before the routing weights."""
    return F.linear(values, fused.weight(expert).T, fused.bias(expert))


def _llama4_forward(module: Any, hidden_states: Tensor) -> Tensor:
    """Llama 4's experts: each gets every token, those not routed to it as zeros.

    Args:
        hidden_states: ``[experts * tokens, d_model]``.
    """
    hidden = hidden_states.view(module.num_experts, -1, hidden_states.shape[-1])  # [experts, tokens, d_model]
    gate, up = torch.bmm(hidden, module.gate_up_proj).chunk(2, dim=-1)
    values = up * module.act_fn(gate)  # [experts, tokens, width]
    expert, token = hidden.any(dim=-1).nonzero(as_tuple=True)  # [routed]
    counts = tuple(torch.bincount(expert, minlength=module.num_experts).tolist())
    shown = _shown(module, Activations(values[expert, token], token, counts))
    values = values.index_put((expert, token), shown)
    return torch.bmm(values, module.down_proj).view(hidden_states.shape)


class _Routing(threading.local):
    """The token that each sorted row belongs to, between a JetMoe router and the experts behind it, per thread."""

    tokens: Tensor | None = None
    weights: Tensor | None = None


_routing = _Routing()


def remember_routing(router: nn.Module) -> None:
    """Remember which token each row of JetMoe's experts belongs to, from their router's output."""

    def after(_module: nn.Module, _args: Any, answer: Any) -> None:
        _, _routing.tokens, _routing.weights, *_ = answer  # both [routed]

    if _ROUTING not in router.__dict__:
        router.__dict__[_ROUTING] = router.register_forward_hook(after)


def _parallel_forward(module: Any, inputs: Tensor, expert_size: list[int]) -> Tensor:
    """JetMoe's second layer: its inputs are activations ``[routed, width]`` sorted by expert, and each one's count."""
    assert _routing.tokens is not None
    values = _shown(module, Activations(inputs, _routing.tokens, tuple(expert_size), _routing.weights))
    pieces = torch.split(values, expert_size)
    return torch.cat([F.linear(piece, module.weight[expert]) for expert, piece in enumerate(pieces)])


def _shared_forward(module: Any, hidden_states: Tensor, gammas: Tensor) -> Tensor:
    """Inkling's shared experts: all of them for every token, weighted before the output weights.

    Args:
        hidden_states: ``[..., d_model]``.
        gammas: ``[..., experts]``.
    """
    hidden = hidden_states.reshape(-1, hidden_states.shape[-1])  # [tokens, d_model]
    weights = gammas.reshape(len(hidden), -1)  # [tokens, experts]
    values = [
        module.act_fn(F.linear(hidden, module.gate_proj[expert])) * F.linear(hidden, module.up_proj[expert])
        for expert in range(module.n_shared_experts)
    ]
    stacked = torch.stack(values, dim=1) * weights[..., None]  # [tokens, experts, width]
    shown = _shown(module, Activations(stacked.flatten(1))).view(stacked.shape)
    written = torch.einsum("tew,edw->ted", shown, module.down_proj)  # [tokens, experts, d_model]
    return written.float().sum(dim=1).to(hidden_states.dtype).view(hidden_states.shape)
