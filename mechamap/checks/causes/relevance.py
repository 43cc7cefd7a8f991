"""Relevance patching (RelP, arXiv:2508.21258): the gradient with two rules of layer-wise relevance propagation.

In the backward pass the size that a norm divides by is a constant (:mod:`mechamap.models.frozen_norms`), and the
factors of a gated MLP's product are credited with half of it each (``gate_rule``). What the forward computes stays as
it is. The rules were made for whole components that are replaced; docs/findings.md says how they do for single neurons.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Literal, TypeAlias

from mechamap.checks.causes.gate_rule import halve_gate
from mechamap.models.frozen_norms import find_norms, frozen_norms
from mechamap.models.loaded import LoadedModel
from mechamap.models.neurons.activations import Activations
from mechamap.models.norms import Norm

__all__ = ["Method", "Relevance"]

Method: TypeAlias = Literal["gradient", "relp"]


class Relevance:
    """The rules for one model.

    Args:
        loaded: the model.
        norms: the norms to freeze, by path.
    """

    def __init__(self, loaded: LoadedModel, norms: Mapping[str, Norm]) -> None:
        self._loaded, self._norms = loaded, norms
        self._gated: set[tuple[int, int]] = set()  # layers and parts

    @classmethod
    def of(cls, loaded: LoadedModel) -> Relevance:
        """The rules for all norms and gates of a model."""
        return cls(loaded, find_norms(loaded))

    @property
    def applied(self) -> dict[str, int]:
        """How many norms are frozen, and how many modules had gated neurons in the forwards so far."""
        return {"norms": len(self._norms), "gates": len(self._gated)}

    @contextmanager
    def rules(self) -> Iterator[None]:
        """Within the context what a forward computes is differentiated by the rules."""

        def watch(layer: int, part: int) -> Callable[[Activations], None]:
            def hook(activations: Activations) -> None:
                if activations.values.requires_grad and halve_gate(activations.values):
                    self._gated.add((layer, part))

            return hook

        with ExitStack() as hooks, frozen_norms(self._loaded, self._norms):
            for layer in self._loaded.layers:
                for number, part in enumerate(layer.parts):
                    hooks.callback(part.watch(watch(layer.layer, number)).remove)
            yield
