"""How a figure and categories stand in a table: their columns, and a threshold in words."""

from __future__ import annotations

import math
from collections.abc import Iterable

from mechamap.errors import UsageError
from mechamap.figures import FigureKind
from mechamap.tables.table import Column, Kind

__all__ = ["category_columns", "checked_threshold", "column_kind", "threshold_text"]

_KINDS: dict[str, Kind] = {
    "selectivity": "correlation",
    "auroc": "probability",
    "ap": "probability",
    "held_out_auroc": "probability",
    "held_out_ap": "probability",
    "second_auroc": "probability",
    "p": "p",
    "write_p": "p",
    "cause": "effect",
    "cause_measured": "effect",
}


def column_kind(kind: FigureKind) -> Kind:
    """How a figure's values are written."""
    return _KINDS.get(kind.name, "signed")


def threshold_text(kind: FigureKind, threshold: float) -> str:
    """Which values count: ``|reads| >= 0.9``, ``p <= 0.05``, ``auroc >= 0.95 or <= 0.05``."""
    if kind.ascending:
        return f"{kind.label} ≤ {threshold:g}"
    if kind.two_sided and kind.centre == 0:
        return f"|{kind.label}| ≥ {threshold:g}"
    if kind.two_sided:
        return f"{kind.label} ≥ {threshold:g} or ≤ {kind.mirrored(threshold):g}"
    return f"{kind.label} ≥ {threshold:g}"


def category_columns(categories: Iterable[str], kind: Kind, *taken: str) -> tuple[Column, ...]:
    """A column for each category; one that is called as another column is has that said in its key."""
    return tuple(Column(f"{name} (category)" if name in taken else name, name, kind) for name in categories)


def checked_threshold(kind: FigureKind, threshold: float) -> float:
    """A threshold that a user gave.

    Raises:
        UsageError: no neuron, or every neuron, would count.
    """
    if not math.isfinite(threshold):
        raise UsageError(f"The threshold is {threshold}; it must be a number.")
    name = f"A threshold of {threshold:g} makes no sense for {kind.label}"
    if kind.two_sided and threshold <= kind.centre:
        raise UsageError(
            f"{name}: it is taken on both sides of {kind.centre:g}, so every neuron would count.",
            f"Give one above {kind.centre:g}; usual is {kind.usual:g}.",
        )
    if column_kind(kind) in ("correlation", "probability", "p") and not 0 <= threshold <= 1:
        raise UsageError(f"{name}: it must be within 0 and 1.", f"Usual is {kind.usual:g}.")
    return threshold
