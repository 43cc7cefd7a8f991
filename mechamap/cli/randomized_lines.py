"""The same search in random counterparts of the model, beside the search in the model itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from mechamap.tables.numbers import NONE, probability
from mechamap.wording.amounts import duration, size
from mechamap.wording.plain import printable

if TYPE_CHECKING:
    from mechamap.runs.checked import CategorySearch, RandomizedSearch, RandomizedSearches

__all__ = ["randomized_lines", "way_line"]


_FIGURES = ("confirmed", "strength", "AUROC")


def randomized_lines(searches: RandomizedSearches) -> Iterator[str]:
    """A table of the categories with three columns for each search, the model's own first: how many neurons are
    confirmed, the largest strength and the largest AUROC of any neuron. Nothing where there was no other search."""
    columns = {"model": searches.model} | {
        search.way: search.categories for search in searches.searches if not search.reason
    }
    if len(columns) == 1:
        return
    first = max(len("category"), *(len(printable(name)) for name in searches.model))
    widths = [max(len(_FIGURES[0]), 7), len(_FIGURES[1]), len(_FIGURES[2])]
    across = sum(widths) + 2 * len(widths)
    yield ("".ljust(first) + "".join(f"  {name:<{across - 2}}" for name in columns)).rstrip()
    titles = "".join(f"  {name:>{width}}" for name, width in zip(_FIGURES, widths, strict=True))
    yield "category".ljust(first) + titles * len(columns)
    for name in searches.model:
        cells = "".join(
            "".join(f"  {cell:>{width}}" for cell, width in zip(_cells(results.get(name)), widths, strict=True))
            for results in columns.values()
        )
        yield printable(name).ljust(first) + cells


def _cells(result: CategorySearch | None) -> tuple[str, str, str]:
    if result is None:
        return NONE, NONE, NONE
    strength, auroc = (NONE if value is None else probability(value) for value in (result.strength, result.auroc))
    return f"{result.confirmed:,}", strength, auroc


def way_line(search: RandomizedSearch, meaning: str) -> str:
    """What was searched, and what it took."""
    if search.reason:
        return f"{search.way}: not searched. {printable(search.reason)}"
    copy = f", a copy of {size(search.copied)}" if search.copied else ", no copy"
    return f"{search.way}: {meaning}, in {duration(search.seconds)}{copy}"
