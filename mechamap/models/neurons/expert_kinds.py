"""Telling apart the kinds of modules that hold a layer's experts."""

from __future__ import annotations

from torch import nn

from mechamap.models.transformers_internals import has_gate_function

__all__ = ["is_dbrx", "is_llama4", "is_parallel", "is_registered", "is_shared", "is_transposed"]


def is_registered(module: nn.Module) -> bool:
    """Whether it takes its computation from the registry of transformers."""
    return has_gate_function(module) and hasattr(module, "is_transposed")


def is_dbrx(module: nn.Module) -> bool:
    return type(module).__name__ == "DbrxExperts"


def is_parallel(module: nn.Module) -> bool:
    """JetMoe: one module for each of an MLP's two layers, whose inputs are already sorted by expert."""
    return type(module).__name__ == "JetMoeParallelExperts"


def is_llama4(module: nn.Module) -> bool:
    return type(module).__name__ == "Llama4TextExperts"


def is_shared(module: nn.Module) -> bool:
    """Inkling: several experts in one parameter that every token goes to."""
    return type(module).__name__ == "InklingSharedExperts"


def is_transposed(module: nn.Module) -> bool:
    """Whether weights are kept as [inputs, outputs]."""
    return bool(getattr(module, "is_transposed", False)) or is_llama4(module)
