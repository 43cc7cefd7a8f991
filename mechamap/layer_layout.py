"""What a layer of a run consists of: shared neurons, experts with so many each, and which side of a model it is on."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from mechamap.proof_table import layer_ranges
from mechamap.run_record import LayerRows, RunRecord

__all__ = ["LayerLayout", "layers_in_words", "layout_of", "side_labels", "whole_layouts"]

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
    """How the rows that a run has of a layer are laid out; rows chosen one by one, as in a CSV, only have a number."""
    each, odd = divmod(rows.width - rows.shared, max(rows.experts, 1))
    return (
        LayerLayout(rows.shared, rows.experts, each)
        if rows.experts and not odd and each > 0
        else LayerLayout(rows.width)
    )


def whole_layouts(record: RunRecord) -> dict[int, LayerLayout]:
    """How each layer with experts is laid out in the model, which has more neurons than a limited scan took.

    By layer; from what the proof saw, or where there is none from the number of neurons.
    """
    parts: dict[int, list[Mapping[str, Any]]] = {}
    for part in record.proof:
        parts.setdefault(part.get("layer", -1), []).append(part)
    return {
        rows.layer: _proved(parts.get(rows.layer, []), rows)
        or LayerLayout(rows.shared, rows.experts, (rows.d_mlp - rows.shared) // rows.experts)
        for rows in record.layers
        if rows.experts
    }


def _proved(parts: list[Mapping[str, Any]], rows: LayerRows) -> LayerLayout | None:
    each = sum(part["width"] for part in parts if part.get("experts"))
    shared = sum(part["width"] for part in parts if not part.get("experts"))
    return LayerLayout(shared, rows.experts, each) if shared + rows.experts * each == rows.d_mlp else None


def layers_in_words(layers: Iterable[LayerRows]) -> str:
    """The layers and how many neurons they have, those that are alike together: ``0: 80; 1-2: 4x24 +40 shared``."""
    alike: dict[tuple[str, str], list[int]] = {}
    for rows in layers:
        alike.setdefault((str(layout_of(rows)), rows.side), []).append(rows.layer)
    return "; ".join(
        f"{layer_ranges(numbers)}: {layout}{f' ({side})' if side else ''}" for (layout, side), numbers in alike.items()
    )


def side_labels(layers: Iterable[_OnASide], proof: Sequence[Mapping[str, Any]]) -> dict[int, str]:
    """``enc 0``, ``dec 2``: the side of each layer and its number there; empty for a model that has no two sides.

    Args:
        layers: of a run or of a loaded model.
        proof: records of the proof, whose paths tell the number; without, the side alone is said.
    """
    numbers = {part.get("layer"): _NUMBER.search(str(part.get("path", ""))) for part in proof}
    labels = {}
    for layer in layers:
        if layer.side:
            number = numbers.get(layer.layer)
            labels[layer.layer] = f"{_SHORT.get(layer.side, layer.side)}{f' {number[0]}' if number else ''}"
    return labels
