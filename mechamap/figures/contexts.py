"""The contexts that a run over a corpus keeps of a neuron: its highest and lowest ones, and some of each range."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from mechamap.runs.figure_names import CONTEXT_FIGURES, CORPUS_TABLES, RANGES
from mechamap.runs.run import Run

__all__ = ["Context", "ContextGroup", "contexts_of", "has_contexts"]


@dataclass(frozen=True, slots=True)
class Context:
    """A place among the tokens that a run keeps, and the neuron's activation there as the scan recorded it."""

    position: int
    value: float


@dataclass(frozen=True, slots=True)
class ContextGroup:
    """Contexts that belong together.

    Attributes:
        kind: highest, lowest or range.
        contexts: from the most extreme one on; those of a range in the order in which they were drawn.
        lower, upper: ends of a range, infinite at the outermost.
        count: how many activations lie in a range.
        share: the same as a part of all that are counted.
    """

    kind: str
    contexts: tuple[Context, ...]
    lower: float = np.nan
    upper: float = np.nan
    count: int = 0
    share: float = np.nan


def has_contexts(run: Run) -> bool:
    """Whether a run has all figures that contexts are read from: one over a corpus does once something was read."""
    return all(run.has(name) for name in (*CONTEXT_FIGURES, *CORPUS_TABLES))


def contexts_of(run: Run, row: int) -> tuple[ContextGroup, ...]:
    """The contexts of a neuron: the highest, the lowest, and those of each range that has some.

    Raises:
        RunError: a file is missing or damaged.
    """
    sides = (ContextGroup(side, _contexts(run, f"{side}_values", f"{side}_positions", row)) for side in _SIDES)
    return (*sides, *_ranges(run, row))


_SIDES = ("highest", "lowest")


def _contexts(run: Run, values: str, positions: str, row: int, columns: slice = slice(None)) -> tuple[Context, ...]:
    """Those of some columns of two figures that stand among the kept tokens."""
    tokens = len(run.record.tokens.ids)
    pairs = zip(run.figure(positions)[row][columns].tolist(), run.figure(values)[row][columns].tolist(), strict=True)
    return tuple(Context(position, value) for position, value in pairs if 0 <= position < tokens)


def _ranges(run: Run, row: int) -> Iterator[ContextGroup]:
    lower, upper, counts = (run.figure(f"range_{what}")[row].tolist() for what in ("lower", "upper", "counts"))
    total = float(run.figure("histogram")[row].sum(dtype=np.float64))
    drawn = run.figure("range_positions").shape[1] // RANGES
    for number, count in enumerate(counts):
        if 0 < count < np.inf:
            columns = slice(number * drawn, (number + 1) * drawn)
            contexts = _contexts(run, "range_values", "range_positions", row, columns)
            share = count / total if total else np.nan
            yield ContextGroup("range", contexts, lower[number], upper[number], int(count), share)
