"""One layer's neurons: the inputs of its down-projections, and of its experts'."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from mechamap.errors import UsageError
from mechamap.models.neurons.weights import readable_bias, readable_weight
from mechamap.runs.neuron_names import NeuronName

if TYPE_CHECKING:
    from torch import Tensor, nn
    from torch.utils.hooks import RemovableHandle

    from mechamap.models.neurons.activations import Activations
    from mechamap.models.neurons.experts import FusedExperts

__all__ = ["NeuronLayer", "NeuronPart"]


Hook = Callable[["Activations"], "Tensor | None"]


@dataclass(frozen=True, eq=False)
class NeuronPart:
    """Neurons that one module of a layer holds: a dense MLP's, a shared expert's, or those of all routed experts.

    Attributes:
        path: where the module lies in the model.
        module: the down-projection, a linear layer whose inputs are the neurons; or what computes fused experts.
        width: how many neurons it has; of each expert where there are routed ones.
        experts: how many routed experts it has, 0 for a dense one.
        first: the place of its first neuron among the layer's.
        length_first: whether its inputs are ``[length, windows, width]``.
        fused: access to the single experts, where it keeps them fused.
    """

    path: str
    module: nn.Module
    width: int
    experts: int = 0
    first: int = 0
    length_first: bool = False
    fused: FusedExperts | None = None

    @property
    def neurons(self) -> int:
        """All its neurons."""
        return self.width * max(self.experts, 1)

    def weight(self, expert: int = 0) -> Tensor:
        """What each neuron writes, ``[width, d_model]``; of one expert where there are routed ones."""
        if self.fused is None:
            return readable_weight(self.module).T
        if self.fused.shared:
            import torch

            return torch.cat([self.fused.weight(number) for number in range(self.fused.experts)])
        return self.fused.weight(expert)

    def bias(self, expert: int = 0) -> Tensor | None:
        """What the module writes with all neurons at zero, ``[d_model]``, None where it has no bias."""
        return readable_bias(self.module) if self.fused is None else self.fused.bias(expert)

    def watch(self, hook: Hook) -> RemovableHandle:
        """Call ``hook`` with the activations of each call; what it returns, of the same shape, replaces them.

        Tokens are numbered window by window, whatever the module's own order.
        """
        from mechamap.models.neurons.activations import Activations

        if self.fused is not None:
            from mechamap.models.neurons.expert_forwards import watch_experts

            return watch_experts(self.module, hook)

        def before(_module: nn.Module, args: tuple[Any, ...]) -> tuple[Any, ...] | None:
            values = args[0].transpose(0, 1) if self.length_first else args[0]
            replaced = hook(Activations(values.reshape(-1, values.shape[-1])))
            if replaced is None:
                return None
            replaced = replaced.reshape(values.shape)
            return (replaced.transpose(0, 1) if self.length_first else replaced, *args[1:])

        return self.module.register_forward_pre_hook(before)


@dataclass(frozen=True, eq=False)
class NeuronLayer:
    """One layer's neurons.

    Attributes:
        layer: the layer's number, from 0.
        parts: what holds its neurons, dense ones first; the layer's neurons are theirs, one part after another.
        block: the path of the block it is in.
        side: ``encoder`` or ``decoder`` in a model that has both, else empty.
        call: which call of the modules in a forward is this layer, from 0.
        calls: how many calls there are in a forward; more than 1 where layers share their weights.
    """

    layer: int
    parts: tuple[NeuronPart, ...]
    block: str
    side: str = ""
    call: int = 0
    calls: int = 1

    @cached_property
    def width(self) -> int:
        """How many neurons the layer has, in all parts and experts."""
        return sum(part.neurons for part in self.parts)

    @property
    def experts(self) -> int:
        """How many routed experts it has, 0 for a dense layer."""
        return sum(part.experts for part in self.parts)

    @property
    def shared(self) -> int:
        """How many neurons it has outside of routed experts."""
        return sum(part.neurons for part in self.parts if not part.experts)

    def widths(self, limit: int | None = None) -> tuple[int, ...]:
        """The number of neurons taken of each part, or of each of its experts, under a limit.

        Args:
            limit: only the first ones count: of all dense neurons together, and of each expert; all where None.
        """
        if limit is None:
            return tuple(part.width for part in self.parts)
        left = (limit if part.experts else max(limit - part.first, 0) for part in self.parts)
        return tuple(min(part.width, allowed) for part, allowed in zip(self.parts, left, strict=True))

    def limited(self, limit: int | None = None) -> int:
        """The total number of neurons under a limit."""
        pairs = zip(self.parts, self.widths(limit), strict=True)
        return sum(width * max(part.experts, 1) for part, width in pairs)

    @property
    def path(self) -> str:
        """Where its first part lies."""
        return self.parts[0].path

    @property
    def module(self) -> nn.Module:
        """The module of its first part."""
        return self.parts[0].module

    @property
    def dense(self) -> bool:
        """Whether one linear layer holds all its neurons."""
        return len(self.parts) == 1 and self.parts[0].fused is None

    def part_of(self, index: int, expert: int = -1) -> tuple[NeuronPart, int]:
        """The part that holds a neuron, and the neuron's place in it (in its expert).

        Raises:
            UsageError: the layer has no such neuron.
        """
        place = index
        for part in self.parts:
            if (expert >= 0) != (part.experts > 0):
                continue
            if place < part.width and expert < max(part.experts, 1):
                return part, place
            place -= part.width
        name = NeuronName(self.layer, index, expert)
        raise UsageError(f"{name} does not exist: layer {self.layer} has {self.in_words()}.")

    def in_words(self) -> str:
        """Which neurons it has."""
        dense = f"neurons N0 to N{self.shared - 1}" if self.shared else ""
        routed = next((part for part in self.parts if part.experts), None)
        if routed is None:
            return dense
        experts = f"experts E0 to E{routed.experts - 1} with neurons N0 to N{routed.width - 1} each"
        return f"{dense} outside of experts, and {experts}" if dense else experts
