"""Hooks that a model has."""

from __future__ import annotations

from torch import nn


def hooks_left(model: nn.Module) -> int:
    return sum(len(module._forward_pre_hooks) + len(module._forward_hooks) for module in model.modules())
