"""The half rule: of a gated MLP's product act(gate) * up, each factor's gradient counts half.

Without it both factors are credited with the whole product, which is counted twice (RelP, arXiv:2508.21258). The
product is found in the graph of the activations, whatever the architecture calls it.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor

__all__ = ["halve_gate"]


# Nodes that hand on what they get, in another shape, order or type
_PASSING = {
    "View", "UnsafeView", "ReshapeAlias", "Transpose", "T", "Permute", "Clone", "ToCopy", "Alias", "Contiguous",
}  # fmt: skip
# Nodes whose every element depends on the same element of what they get: activation functions are made of these
_ELEMENTWISE = _PASSING | {
    "Mul", "Div", "Add", "Sub", "Rsub", "Neg", "Pow", "Exp", "Tanh", "Sigmoid", "Silu", "Gelu", "Relu", "Elu", "Erf",
    "Clamp", "ClampMin", "ClampMax", "Softplus", "LogSigmoid", "Threshold", "Hardtanh", "LeakyRelu", "Mish", "Where",
    "Sqrt", "Rsqrt", "Log", "Abs", "Minimum", "Maximum", "Hardsigmoid", "Hardswish", "Log1P", "Expm1",
}  # fmt: skip


def halve_gate(values: Tensor) -> int:
    """Halve the gradients of the products that ``values`` are, where they are products of two maps of the input.

    Args:
        values: activations, part of a graph. The rule holds for all gradients through this graph.

    Returns:
        How many products there are: of experts one each, 0 where the activations are not gated.
    """
    todo, halved = [values.grad_fn], 0
    while todo:
        node: Any = todo.pop()
        if node is None:
            continue
        name = _name(node)
        if name in _PASSING or name == "Cat":
            todo += [before for before, _ in node.next_functions]
        elif name == "Mul" and _is_gate(node):
            node.register_hook(_half)
            halved += 1
    return halved


def _half(gradients: tuple[Tensor | None, ...], _outer: tuple[Tensor, ...]) -> tuple[Tensor | None, ...]:
    return tuple(None if gradient is None else gradient / 2 for gradient in gradients)


def _is_gate(node: Any) -> bool:
    """Whether a product's factors come from different maps; those of an activation function come from one."""
    factors = [factor for factor in node.next_functions if factor[0] is not None]
    return len(factors) == 2 and not _sources(*factors[0]) & _sources(*factors[1])


def _sources(node: Any, output: int) -> set[tuple[Any, int]]:
    """The outputs of nodes behind all elementwise ones."""
    sources, seen, todo = set(), set(), [(node, output)]
    while todo:
        place = todo.pop()
        if place[0] is None or place in seen:
            continue
        seen.add(place)
        if _name(place[0]) in _ELEMENTWISE:
            todo += place[0].next_functions
        else:
            sources.add(place)
    return sources


def _name(node: Any) -> str:
    """``Mul`` for ``MulBackward0``."""
    return str(node.name()).partition("Backward")[0]
