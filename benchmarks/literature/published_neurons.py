"""The tables of published neurons, read."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

__all__ = ["PublishedNeuron", "published_neurons"]


_FOLDER = Path(__file__).parent / "published"


@dataclass(frozen=True, slots=True)
class PublishedNeuron:
    """A neuron and what its authors say of it.

    Attributes:
        layer, index: its place, from 0, as TransformerLens counts.
        feature: what it is said to detect; empty of a table of figures alone.
        figures: by the names of the table's columns.
    """

    layer: int
    index: int
    feature: str
    figures: Mapping[str, float]

    @property
    def name(self) -> str:
        return f"L{self.layer}.N{self.index}"


def published_neurons(table: str) -> tuple[PublishedNeuron, ...]:
    """The rows of ``published/<table>.csv``."""
    with (_FOLDER / f"{table}.csv").open(encoding="utf-8", newline="") as file:
        return tuple(
            PublishedNeuron(
                int(row.pop("layer")),
                int(row.pop("neuron")),
                row.pop("feature", ""),
                {name: float(value) for name, value in row.items()},
            )
            for row in csv.DictReader(file)
        )
