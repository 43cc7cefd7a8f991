"""The forward that the capture proof looks at: several rows of one text, in which parts of layers are at zero.

In the first row nothing is changed. In each other row one part of every layer has its neurons at zero, and what every
block is given is put back to what it was given in the first row, so that no layer sees what was done to those before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from mechamap.models.loading.trouble import translated
from mechamap.models.neurons.layers import NeuronLayer, NeuronPart
from mechamap.models.proof_removal import TracedBlock

if TYPE_CHECKING:
    from torch import nn

    from mechamap.models.loaded import LoadedModel
    from mechamap.models.neurons.activations import Activations

__all__ = ["TracedForward", "TracedPart", "trace_forward"]


@dataclass(slots=True, eq=False)
class TracedCall:
    """One call of a part: its neurons before anything was changed in them, its arguments and its output."""

    activations: Activations
    arguments: tuple[Any, ...] = ()
    output: Tensor = field(default_factory=lambda: torch.zeros(0))


@dataclass(slots=True, eq=False)
class TracedForward:
    """What a forward over ``rows`` rows showed: calls of parts by path, and of blocks by path."""

    rows: int
    tokens: int
    halves: int | None = None  # how many rows behind that with a part's neurons at zero every second one is zero
    calls: dict[str, list[TracedCall]] = field(default_factory=dict)
    blocks: dict[str, list[TracedBlock]] = field(default_factory=dict)


def trace_forward(loaded: LoadedModel, inputs: dict[str, Any], traced: frozenset[str] = frozenset()) -> TracedForward:
    """One forward of the body, a row for each part of a layer zeroed and one more.

    Args:
        traced: paths of blocks whose modules' calls are kept too; then each part has one row more, in which every
            second neuron is zero.
    """
    parts = max(len(layer.parts) for layer in loaded.layers)
    rows = 1 + parts * (2 if traced else 1)
    seen = TracedForward(rows, inputs["input_ids"].shape[1], parts if traced else None)
    body = getattr(loaded.model, "base_model", loaded.model)
    with ExitStack() as hooks, torch.inference_mode(), translated(loaded.id):
        for path, (number, part) in _parts(loaded).items():
            calls = seen.calls.setdefault(path, [])
            hooks.callback(part.watch(_zeroing(calls, number + 1, seen)).remove)
            hooks.callback(part.module.register_forward_hook(_keeping(calls, part), with_kwargs=True).remove)
        for path in dict.fromkeys(layer.block for layer in loaded.layers):
            block = loaded.model.get_submodule(path)
            hooks.enter_context(_restored(block, seen.blocks.setdefault(path, []), seen, path in traced))
        body(**{name: x.repeat(rows, 1) if isinstance(x, Tensor) else x for name, x in inputs.items()})
    return seen


def _parts(loaded: LoadedModel) -> dict[str, tuple[int, NeuronPart]]:
    """Every part once, by its path, with its number in the layer; layers that share weights share parts."""
    return {part.path: (number, part) for layer in loaded.layers for number, part in enumerate(layer.parts)}


def _zeroing(calls: list[TracedCall], row: int, seen: TracedForward) -> Callable[[Activations], Tensor]:
    """A hook that keeps the activations and gives zeros for those of one row."""

    def hook(activations: Activations) -> Tensor:
        values = activations.values
        calls.append(TracedCall(activations))
        tokens = activations.tokens
        if tokens is None:
            tokens = torch.arange(len(values), device=values.device)
        length = len(values) // seen.rows if activations.tokens is None else seen.tokens
        changed = values.clone()
        changed[tokens // length == row] = 0
        if seen.halves is not None:
            half = torch.arange(0, values.shape[1], 2, device=values.device)
            changed[(tokens // length == row + seen.halves).nonzero(), half] = 0
        return changed

    return hook


def _keeping(calls: list[TracedCall], part: NeuronPart) -> Callable[..., None]:
    def after(_module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], output: Tensor) -> None:
        # Copies, because some blocks (Falcon) add to them in place afterwards.
        if part.fused is not None:
            arguments = (*args, *kwargs.values())
            calls[-1].arguments = tuple(x.clone() if hasattr(x, "clone") else x for x in arguments)
        calls[-1].output = (output.transpose(0, 1) if part.length_first else output).clone()

    return after


@contextmanager
def _restored(module: nn.Module, blocks: list[TracedBlock], seen: TracedForward, traced: bool) -> Iterator[None]:
    """Give a block the input of the first row in every row, and keep its output."""

    def before(_module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        blocks.append(TracedBlock())
        return tuple(same(x) for x in args), {name: same(x) for name, x in kwargs.items()}

    def same(x: Any) -> Any:
        """A tensor with every row like its first; rows are the first dimension, or the second."""
        if not hasattr(x, "is_floating_point") or not x.is_floating_point() or x.ndim < 2:
            return x
        dim = next((dim for dim in (0, 1) if x.shape[dim] == seen.rows), None)
        return x if dim is None else x.narrow(dim, 0, 1).expand_as(x).contiguous()

    def after(_module: nn.Module, _args: tuple[Any, ...], output: Any) -> None:
        blocks[-1].output = (output[0] if isinstance(output, (tuple, list)) else output).clone()

    def inside(path: str) -> Callable[..., None]:
        def hook(_module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any) -> None:
            if blocks:
                tensors = (x for x in (*args, *kwargs.values()) if hasattr(x, "is_floating_point"))
                blocks[-1].keep(path, next(tensors, None), output[0] if isinstance(output, (tuple, list)) else output)

        return hook

    with ExitStack() as hooks:
        hooks.callback(module.register_forward_pre_hook(before, with_kwargs=True).remove)
        hooks.callback(module.register_forward_hook(after).remove)
        for path, submodule in module.named_modules() if traced else ():
            if path:
                hooks.callback(submodule.register_forward_hook(inside(path), with_kwargs=True).remove)
        yield


@dataclass(eq=False)
class TracedPart:
    """What was seen of one part in the run that is this layer."""

    layer: NeuronLayer
    part: NeuronPart
    seen: TracedForward

    @property
    def runs(self) -> int:
        return len(self.seen.calls[self.part.path])

    @property
    def call(self) -> TracedCall:
        return self.seen.calls[self.part.path][self.layer.call]

    @property
    def block(self) -> TracedBlock:
        return self.seen.blocks[self.layer.block][self.layer.call]

    @cached_property
    def output(self) -> Tensor:
        """What the part wrote, ``[rows * tokens, d_model]``."""
        call, fused = self.call, self.part.fused
        if fused is None:
            return call.output.reshape(-1, call.output.shape[-1])
        return fused.per_token(call.arguments, call.output, call.activations)

    @property
    def tokens(self) -> int:
        """How many tokens a row has here; a decoder beside an encoder has one more."""
        return len(self.output) // self.seen.rows

    def row(self, row: int) -> Tensor:
        """What it wrote in one row, ``[tokens, d_model]`` float32."""
        return self.output[row * self.tokens : (row + 1) * self.tokens].float()
