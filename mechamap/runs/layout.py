"""The neurons of a run's layer, shared and by expert, and its depth in the model."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from mechamap.runs.record import LayerRows, RunRecord
from mechamap.runs.scanned import LayerProof
from mechamap.wording.amounts import layer_ranges

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from mechamap.runs.run import Run

__all__ = [
    "LayerLayout",
    "knows_depth",
    "layers_in_words",
    "layout_of",
    "model_layers",
    "relative_depth",
    "side_labels",
    "whole_layouts",
]


def model_layers(run: Run) -> int:
    """How many layers the run's model has; for a CSV, which does not say, up to the last one listed."""
    last = max((layer.layer for layer in run.layers), default=-1)
    return max(run.record.model.layers, last + 1)


def knows_depth(run: Run) -> bool:
    """Whether the number of layers is the model's own: a CSV lists some layers, and the model may have more."""
    return not run.is_csv


def relative_depth(run: Run) -> NDArray[np.float32]:
    """layer / (layers of the model - 1) of every neuron, ``[neurons]``; 0 throughout a model of one layer.

    The layers of a model that has an encoder and a decoder are numbered through, the encoder's first.
    """
    import numpy as np  # not needed by what only prints layers, such as the help

    depth: NDArray[np.float32] = (run.layer_of / np.float32(max(model_layers(run) - 1, 1))).astype(np.float32)
    return depth


_SHORT = {"encoder": "enc", "decoder": "dec"}
_NUMBER = re.compile(r"(?<=\.)\d+(?=\.|$)")


class _OnASide(Protocol):
    @property
    def layer(self) -> int: ...
    @property
    def side(self) -> str: ...


@dataclass(frozen=True, slots=True)
class LayerLayout:
    """``shared`` neurons that every token goes to, then ``experts`` with ``each`` neurons; 0 experts: a dense layer."""

    shared: int
    experts: int = 0
    each: int = 0

    def number(self, index: int, expert: int = -1) -> int:
        """The place of a neuron among all of the layer's, counted one expert after another."""
        return index if expert < 0 else self.shared + expert * self.each + index

    def to_dict(self) -> dict[str, int]:
        """As exports say it."""
        return {"shared": self.shared, "experts": self.experts, "neurons_each": self.each}

    def __str__(self) -> str:
        """``64x1024 +2048 shared``; of a dense layer ``2048``."""
        if not self.experts:
            return str(self.shared)
        return f"{self.experts}x{self.each}" + (f" +{self.shared} shared" if self.shared else "")


def layout_of(rows: LayerRows) -> LayerLayout:
    """The layout of a run's rows of a layer; of rows chosen one by one, as in a CSV, only the number is known."""
    each, odd = divmod(rows.width - rows.shared, max(rows.experts, 1))
    return (
        LayerLayout(rows.shared, rows.experts, each)
        if rows.experts and not odd and each > 0
        else LayerLayout(rows.width)
    )


def whole_layouts(record: RunRecord) -> dict[int, LayerLayout]:
    """The layout in the model of each layer with experts, by layer; a limited scan took only some of its neurons.

    It comes from the proof, or without one from the number of neurons.
    """
    parts: dict[int, list[LayerProof]] = {}
    for part in record.proof:
        parts.setdefault(part.layer, []).append(part)
    return {
        rows.layer: _proved(parts.get(rows.layer, []), rows)
        or LayerLayout(rows.shared, rows.experts, (rows.d_mlp - rows.shared) // rows.experts)
        for rows in record.layers
        if rows.experts
    }


def _proved(parts: list[LayerProof], rows: LayerRows) -> LayerLayout | None:
    each = sum(part.width for part in parts if part.experts)
    shared = sum(part.width for part in parts if not part.experts)
    return LayerLayout(shared, rows.experts, each) if shared + rows.experts * each == rows.d_mlp else None


def layers_in_words(layers: Iterable[LayerRows]) -> str:
    """The layers and how many neurons they have, those that are alike together: ``0: 80; 1-2: 4x24 +40 shared``."""
    alike: dict[tuple[str, str], list[int]] = {}
    for rows in layers:
        alike.setdefault((str(layout_of(rows)), rows.side), []).append(rows.layer)
    return "; ".join(
        f"{layer_ranges(numbers)}: {layout}{f' ({side})' if side else ''}" for (layout, side), numbers in alike.items()
    )


def side_labels(layers: Iterable[_OnASide], proof: Sequence[LayerProof]) -> dict[int, str]:
    """``enc 0``, ``dec 2``: the side of each layer and its number there; empty for a model with only one side.

    Args:
        layers: of a run or of a loaded model.
        proof: of its parts, whose paths tell the number; without it, only the side is given.
    """
    numbers = {part.layer: _NUMBER.search(part.path) for part in proof}
    labels = {}
    for layer in layers:
        if layer.side:
            number = numbers.get(layer.layer)
            labels[layer.layer] = f"{_SHORT.get(layer.side, layer.side)}{f' {number[0]}' if number else ''}"
    return labels
