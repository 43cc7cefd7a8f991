"""The activations that a watched part of a layer hands to a hook, and the token that each row belongs to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

__all__ = ["HOOKS", "Activations", "Hook"]


HOOKS = "_neuron_hooks"  # the attribute of a module under which its hooks are kept


@dataclass(frozen=True, slots=True)
class Activations:
    """The activations of one module's neurons in one call.

    Attributes:
        values: ``[tokens of the call, width]``; of routed experts ``[routed, width]``, expert after expert.
        tokens: ``[routed]``, which token of the call each row belongs to; None where every token has one row.
        counts: how many rows each expert has; empty where there are no experts.
        weights: ``[routed]``, the routing weight of each row's output, where that is known.
    """

    values: Tensor
    tokens: Tensor | None = None
    counts: tuple[int, ...] = ()
    weights: Tensor | None = None

    def experts(self) -> Tensor:
        """``[routed]``, the expert of each row."""
        numbers = torch.arange(len(self.counts), device=self.values.device)
        return numbers.repeat_interleave(torch.tensor(self.counts, device=self.values.device))


Hook = Callable[[Activations], "Tensor | None"]
