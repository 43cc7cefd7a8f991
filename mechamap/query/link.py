"""The target of a cell of a report: a filter for the neurons behind it."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Link"]


@dataclass(frozen=True, slots=True)
class Link:
    """The neurons behind a cell: those of a run that a filter keeps.

    Attributes:
        where: an expression of :mod:`mechamap.query`, or one neuron's name; empty: all neurons.
        category: the category to show them by; empty: unchanged.
        run: which of the report's runs.
        sort: columns to sort by; empty: unchanged.
        neuron: the one to go to; empty: the first.
    """

    where: str = ""
    category: str = ""
    run: int = 0
    sort: str = ""
    neuron: str = ""
