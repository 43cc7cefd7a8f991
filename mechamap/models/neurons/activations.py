"""What a watched part of a layer hands over: activations, and of which token each row is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

__all__ = ["HOOKS", "Activations", "Hook"]


HOOKS = "_neuron_hooks"  # the attribute of a module under which its hooks are kept


@dataclass(frozen=True, slots=True)
class Activations:
    """What the neurons of one module were in one call of it.

    Attributes:
        values: ``[tokens of the call, width]``; of routed experts ``[routed, width]``, expert after expert.
        tokens: ``[routed]``, of which token of the call each row is; None where every token has its row.
        counts: how many rows each expert has; empty where there are no experts.
        weights: ``[routed]``, with what each row's output is multiplied afterwards, where that is known.
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
