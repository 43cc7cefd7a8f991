"""Norms whose size is held fixed in the backward pass: what they compute stays as it is, their gradient is linear.

The rule of relevance propagation for norms (Ali et al., 2022, arXiv:2202.07304; RelP, arXiv:2508.21258).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from mechamap.models.loaded import LoadedModel
from mechamap.models.norms import Norm, norm_of
from mechamap.models.reading import inputs_to_try

__all__ = ["find_norms", "frozen_norms"]


def find_norms(loaded: LoadedModel) -> dict[str, Norm]:
    """The modules of a model that normalize what they are given, by path; recognized by what they do in one forward.

    Norms that a block computes itself, without a module for them, are not among them.
    """
    inputs: dict[str, Tensor] = {}

    def seen(path: str) -> Any:
        def before(_module: nn.Module, args: tuple[Any, ...]) -> None:
            if args and isinstance(args[0], Tensor) and args[0].is_floating_point() and args[0].ndim >= 2:
                inputs[path] = args[0]

        return before

    with ExitStack() as hooks, torch.no_grad():
        for path, module in loaded.model.named_modules():
            if _may_be_norm(module):
                hooks.callback(module.register_forward_pre_hook(seen(path)).remove)
        loaded.model(**inputs_to_try(loaded))
    measured = {path: norm_of(loaded.model.get_submodule(path), like) for path, like in inputs.items()}
    return {path: norm for path, norm in measured.items() if norm is not None}


def _may_be_norm(module: nn.Module) -> bool:
    """Whether it has neither parts nor a matrix."""
    return not any(True for _ in module.children()) and all(weight.ndim < 2 for weight in module.parameters())


@contextmanager
def frozen_norms(loaded: LoadedModel, norms: Mapping[str, Norm]) -> Iterator[None]:
    """Within the context the gradient of each norm is that of a linear map: the size it divides by is a constant."""

    def freeze(norm: Norm) -> Any:
        def after(_module: nn.Module, args: tuple[Any, ...], output: Tensor) -> Tensor | None:
            if not (torch.is_grad_enabled() and args[0].requires_grad):
                return None
            frozen: Tensor = _FrozenSize.apply(args[0], output.detach(), norm)  # type: ignore[no-untyped-call]
            return frozen

        return after

    with ExitStack() as hooks:
        for path, norm in norms.items():
            module = loaded.model.get_submodule(path)
            hooks.callback(module.register_forward_hook(freeze(norm)).remove)
        yield


class _FrozenSize(torch.autograd.Function):
    """A norm's output, whose gradient by the input leaves out what the input does to the size."""

    @staticmethod
    def forward(ctx: Any, inputs: Tensor, output: Tensor, norm: Norm) -> Tensor:
        gain, bias = norm.gain.to(inputs.device), norm.bias.to(inputs.device)
        values = inputs.float()
        if norm.centred:
            values = values - values.mean(dim=-1, keepdim=True)
        scaled = values * gain
        # 1 / size as the module has it, its epsilon included: the factor between both sides, by least squares.
        factor = ((output.float() - bias) * scaled).sum(dim=-1, keepdim=True)
        factor = factor / scaled.square().sum(dim=-1, keepdim=True).clamp(min=1e-30)
        ctx.save_for_backward(factor, gain)
        ctx.centred = norm.centred
        return output.view_as(output)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        factor, gain = ctx.saved_tensors
        gradient = gradients[0].float() * gain * factor
        if ctx.centred:
            gradient = gradient - gradient.mean(dim=-1, keepdim=True)
        return gradient.to(gradients[0].dtype), None, None
