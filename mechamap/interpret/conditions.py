"""Filters for the neurons behind a count, as :func:`mechamap.query.matching` and the explorer read them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from mechamap.figures import FigureKind, quoted
from mechamap.findings import SIGNIFICANT
from mechamap.query_syntax import bracketed
from mechamap.run import Run
from mechamap.tables.table import Link

__all__ = ["Conditions"]

_LONGEST = 10_000  # characters; nobody could read a longer filter, or wait for thousands of them


class Conditions:
    """Filters for one run, figure and threshold."""

    def __init__(self, run: Run, kind: FigureKind, threshold: float) -> None:
        self._run = run
        self._kind = kind
        self._threshold = threshold
        self._of = {name: bracketed(kind.condition(run, name, threshold), " and ") for name in run.categories}

    def counting(self, category: str) -> str:
        """Neurons that count for a category."""
        return self._kind.condition(self._run, category, self._threshold)

    def rising(self, category: str) -> str:
        """Those of them on the upper side."""
        return self._above(category, self._threshold)

    def falling(self, category: str) -> str:
        """Those of them on the lower side, of a figure that has two."""
        return self._below(category, self._kind.mirrored(self._threshold))

    def valued(self, category: str) -> str:
        """Neurons that have a value to judge by."""
        return self._kind.known(self._run, category)

    def confirmed(self, category: str) -> str:
        """Those that count and of which the reading is confirmed; by the figure of writing, the writing."""
        good = f"confirmed.{quoted(category)}"
        if self._kind.name == "write":
            good = f"write_p.{quoted(category)} < {SIGNIFICANT!r}"
        return f"{self._of[category]} and {good}"

    def of_any(self) -> str:
        """Neurons that count for any category; empty where there is none."""
        return " or ".join(self._of.values())

    def of_none(self) -> str:
        return f"not ({self.of_any()})" if self._of else "layer >= 0"

    def of_one(self) -> str:
        """Neurons that count for exactly one category."""
        several = self.of_several()
        return f"{bracketed(self.of_any())} and not ({several})" if several else self.of_any()

    def of_several(self) -> str:
        """Neurons that count for two categories or more; empty where there are no two."""
        return _two_of([*self._of.values()])

    def of_exactly(self, categories: Collection[str]) -> str:
        """Neurons that count for these categories and for no other."""
        within = " and ".join(its for name, its in self._of.items() if name in categories)
        without = " or ".join(its for name, its in self._of.items() if name not in categories)
        return f"{within} and not ({without})" if without else within

    def of_all(self, categories: Collection[str]) -> str:
        """Neurons that count for all of these categories."""
        return " and ".join(self._of[name] for name in dict.fromkeys(categories))

    @staticmethod
    def link(where: str, category: str = "", layer: int | None = None) -> Link | None:
        """A link to the neurons of a filter, in one layer where that is given; None where it would be too long."""
        if not where or len(where) > _LONGEST:
            return None
        if layer is not None:
            where = f"{bracketed(where)} and layer == {layer}"
        return Link(where, category)

    def _above(self, category: str, value: float) -> str:
        return replace(self._kind, two_sided=False, ascending=False).condition(self._run, category, value)

    def _below(self, category: str, value: float) -> str:
        return replace(self._kind, two_sided=False, ascending=True).condition(self._run, category, value)


def _two_of(conditions: list[str]) -> str:
    """That two or more of them are true: within one half, within the other, or in each; all pairs would be longer."""
    if len(conditions) < 2:
        return ""
    one, other = conditions[: len(conditions) // 2], conditions[len(conditions) // 2 :]
    each = f"(({' or '.join(one)}) and ({' or '.join(other)}))"
    return " or ".join(part for part in (_two_of(one), _two_of(other), each) if part)
