"""Filters for the neurons behind a count or a list, as :func:`mechamap.query.evaluate.matching` reads them."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from mechamap.figures.catalogue import FEW_OCCURRENCES, SIGNIFICANT
from mechamap.figures.figure import JudgedFigure
from mechamap.query.lexemes import OPERATORS
from mechamap.query.link import Link
from mechamap.runs.run import Run

__all__ = ["Conditions", "bracketed", "counting_filter", "known_filter", "listed", "quoted", "quoted_text"]


_LONGEST = 4_000  # characters; a longer filter cannot be read


def listed(run: Run, rows: NDArray[np.integer], place: int, category: str = "") -> Link | None:
    """The neurons in these rows of a run; None where there are none, or more than a filter should list.

    Args:
        place: which of the report's runs it is.
        category: the one to look at them by.
    """
    if not len(rows) or len(rows) > _LONGEST // len("neuron == 0"):
        return None
    routed = bool((run.expert_of >= 0).any())
    parts = []
    for layer in np.unique(run.layer_of[rows]).tolist():
        in_layer = rows[run.layer_of[rows] == layer]
        for expert in np.unique(run.expert_of[in_layer]).tolist():
            numbers = run.index_of[in_layer[run.expert_of[in_layer] == expert]].tolist()
            of = f" and expert == {expert}" if routed else ""
            parts.append(f"(layer == {layer}{of} and ({' or '.join(f'neuron == {number}' for number in numbers)}))")
    condition = " or ".join(parts)
    return Link(condition, category, place) if len(condition) <= _LONGEST else None


_LONGEST_CONDITION = 10_000  # characters; likewise, and thousands of neurons would take too long


class Conditions:
    """Filters for one run, figure and threshold."""

    def __init__(self, run: Run, kind: JudgedFigure, threshold: float) -> None:
        self._run = run
        self._kind = kind
        self._threshold = threshold
        self._of = {name: bracketed(counting_filter(kind, run, name, threshold), " and ") for name in run.categories}

    def counting(self, category: str) -> str:
        """Neurons that count for a category."""
        return counting_filter(self._kind, self._run, category, self._threshold)

    def rising(self, category: str) -> str:
        """Those of them on the upper side; by a directed figure those that do not go down."""
        if self._kind.directed:
            return f"{self._of[category]} and not selectivity.{quoted(category)} < 0"
        return self._above(category, self._threshold)

    def falling(self, category: str) -> str:
        """Those of them on the lower side, of a figure that has two."""
        if self._kind.directed:
            return f"{self._of[category]} and selectivity.{quoted(category)} < 0"
        return self._below(category, self._kind.mirrored(self._threshold))

    def valued(self, category: str) -> str:
        """Neurons that have a value to judge by."""
        return known_filter(self._kind, self._run, category)

    def confirmed(self, category: str) -> str:
        """Those that count and of which the reading is confirmed; by the figure of writing, the writing."""
        good = f"confirmed.{quoted(category)}"
        if self._kind.name == "write":
            good = f"write_p.{quoted(category)} < {SIGNIFICANT!r}"
        return f"{self._of[category]} and {good}"

    def of_any(self) -> str:
        """Neurons that count for any category; empty where the run has none."""
        return " or ".join(self._of.values())

    def of_none(self) -> str:
        return f"not ({self.of_any()})" if self._of else "layer >= 0"

    def of_one(self) -> str:
        """Neurons that count for exactly one category."""
        several = self.of_several()
        return f"{bracketed(self.of_any())} and not ({several})" if several else self.of_any()

    def of_several(self) -> str:
        """Neurons that count for two categories or more; empty where the run has fewer than two."""
        return _two_of([*self._of.values()])

    def of_exactly(self, categories: Collection[str]) -> str:
        """Neurons that count for these categories and for no other."""
        within = " and ".join(condition for name, condition in self._of.items() if name in categories)
        without = " or ".join(condition for name, condition in self._of.items() if name not in categories)
        return f"{within} and not ({without})" if without else within

    def of_all(self, categories: Collection[str]) -> str:
        """Neurons that count for all of these categories."""
        return " and ".join(self._of[name] for name in dict.fromkeys(categories))

    @staticmethod
    def link(condition: str, category: str = "", layer: int | None = None) -> Link | None:
        """A link to the neurons of a filter, of one ``layer`` if given; None where the filter would be too long."""
        if not condition or len(condition) > _LONGEST_CONDITION:
            return None
        if layer is not None:
            condition = f"{bracketed(condition)} and layer == {layer}"
        return Link(condition, category)

    def _above(self, category: str, value: float) -> str:
        return counting_filter(replace(self._kind, two_sided=False, ascending=False), self._run, category, value)

    def _below(self, category: str, value: float) -> str:
        return counting_filter(replace(self._kind, two_sided=False, ascending=True), self._run, category, value)


def _two_of(conditions: list[str]) -> str:
    """That two or more of the conditions hold: within one half, within the other, or one in each.

    A list of all pairs would be longer.
    """
    if len(conditions) < 2:
        return ""
    first, second = conditions[: len(conditions) // 2], conditions[len(conditions) // 2 :]
    each = f"(({' or '.join(first)}) and ({' or '.join(second)}))"
    return " or ".join(part for part in (_two_of(first), _two_of(second), each) if part)


def counting_filter(kind: JudgedFigure, run: Run, category: str, threshold: float) -> str:
    """The filter for the neurons that count for a category: those that :meth:`JudgedFigure.holds` is true of."""
    name = _figure_name(kind, category)
    text = f"{name} {'<=' if kind.ascending else '>='} {threshold!r}"
    if kind.two_sided:
        text = f"({text} or {name} <= {kind.mirrored(threshold)!r})"
    return text + _enough_occurrences(kind, run, category)


def known_filter(kind: JudgedFigure, run: Run, category: str) -> str:
    """The filter for the neurons that have a value to judge by: what is not computed does not equal itself."""
    name = _figure_name(kind, category)
    return f"{name} == {name}" + _enough_occurrences(kind, run, category)


def _figure_name(kind: JudgedFigure, category: str) -> str:
    return f"{kind.aliases[0] if kind.measured_as else kind.name}.{quoted(category)}"


def _enough_occurrences(kind: JudgedFigure, run: Run, category: str) -> str:
    if kind.compares and run.has("occurrences"):
        return f" and occurrences.{quoted(category)} >= {FEW_OCCURRENCES}"
    return ""


def bracketed(condition: str, *joints: str) -> str:
    """A condition that can be joined to others: in brackets where ``or``, or one of ``joints``, is outside of any."""
    depth = 0
    for match in re.finditer(r"[()]| or | and ", re.sub(r'"(?:[^"\\]|\\.)*"', '""', condition)):
        depth += {"(": 1, ")": -1}.get(match[0], 0)
        if depth == 0 and match[0] in (" or ", *joints):
            return f"({condition})"
    return condition


def quoted(category: str) -> str:
    """A category's name as it stands behind a figure's in a filter."""
    plain = category.isidentifier() and category.lower() not in OPERATORS
    return category if plain else quoted_text(category)


def quoted_text(text: str) -> str:
    """A text as it stands in a filter."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
