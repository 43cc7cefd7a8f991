"""Steering as plain PyTorch does it: one row, one forward, one hook on a module of the model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from mechamap.models.loaded import LoadedModel
from mechamap.steering.hooks import NeuronChange


@contextmanager
def plainly_steered(loaded: LoadedModel, changes: Sequence[NeuronChange], positions: slice) -> Iterator[None]:
    """Within the context the model's dense neurons are changed at some positions, by a hook for each of them."""

    def hook(change: NeuronChange) -> Any:
        def before(_module: nn.Module, args: tuple[Any, ...]) -> tuple[Any, ...]:
            values = args[0].clone()
            at = (..., positions, change.neuron.index)
            values[at] = change.value + (values[at] if change.adds else 0)
            return (values, *args[1:])

        return before

    with ExitStack() as hooks:
        for change in changes:
            module = loaded.layers[change.neuron.layer].module
            hooks.callback(module.register_forward_pre_hook(hook(change)).remove)
        yield


@contextmanager
def plainly_steered_expert(loaded: LoadedModel, change: NeuronChange, positions: slice) -> Iterator[None]:
    """Within the context an expert's neuron is changed: what its output weights make of that, times the routing weight,
    is added to the output of the experts, as a hook sees it."""
    part, place = loaded.layers[change.neuron.layer].part_of(change.neuron.index, change.neuron.expert)
    experts: Any = part.module
    expert = change.neuron.expert

    def after(_module: nn.Module, args: tuple[Any, ...], output: Tensor) -> Tensor:
        hidden, chosen, weights = args[0].reshape(-1, args[0].shape[-1]), args[1], args[2]
        gate, up = torch.nn.functional.linear(hidden, experts.gate_up_proj[expert]).chunk(2, dim=-1)
        own = (experts.act_fn(gate) * up)[:, place]  # [tokens]
        added = torch.full_like(own, change.value) if change.adds else change.value - own
        share = torch.where(chosen == expert, weights, 0).sum(dim=-1)  # [tokens], 0 where it is not routed
        here = torch.zeros_like(own)
        here[positions] = 1
        written = (here * share * added)[:, None] * experts.down_proj[expert][:, place]
        return output + written.view(output.shape)

    handle = experts.register_forward_hook(after)
    try:
        yield
    finally:
        handle.remove()


def plain_log_p(loaded: LoadedModel, ids: Tensor) -> Tensor:
    """Log probabilities behind a prompt of one row, ``[vocabulary]``."""
    return plain_log_ps(loaded, ids)[-1]


def plain_log_ps(loaded: LoadedModel, ids: Tensor) -> Tensor:
    """The same behind each of its tokens, ``[length, vocabulary]``."""
    with torch.no_grad():
        return loaded.model(input_ids=ids, use_cache=False).logits[0].float().log_softmax(-1)


def plain_text(loaded: LoadedModel, ids: Tensor, tokens: int) -> list[int]:
    """The most probable tokens one after another, the whole text read again for each."""
    whole = ids
    for _ in range(tokens):
        whole = torch.cat([whole, plain_log_p(loaded, whole).argmax().view(1, 1)], dim=1)
    return whole[0, ids.shape[1] :].tolist()
