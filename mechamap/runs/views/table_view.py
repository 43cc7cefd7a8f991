"""What a table of a run's neurons shows: a plain value that can be kept, written and compared.

``table_view_to_plain`` and its inverse are the format of ``views.json`` (docs/run-format.md).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mechamap.runs.views.column_choice import LEAST_WIDTH, MOST_WIDTH, ColumnChoice
from mechamap.runs.views.sort_key import SortKey

__all__ = ["TableView", "table_view_from_plain", "table_view_to_plain"]


_LONGEST = 10_000  # characters of a filter, members of a list


@dataclass(frozen=True, slots=True)
class TableView:
    """Which neurons are shown, by which category, in which order and columns.

    Whatever a run does not have, a category, a layer, a column, is passed over where the view is shown.

    Attributes:
        where: a filter, an expression of :mod:`mechamap.query`; empty: all neurons.
        category: whose figures are shown; empty: the run's first.
        layer: the only layer that is shown; None: all.
        marked: whether only marked neurons are shown.
        sort: columns, the most important first; empty: the run's default.
        overview: whether a column for each category is shown.
        columns: which columns are hidden, where they stand and how wide they are.
    """

    where: str = ""
    category: str = ""
    layer: int | None = None
    marked: bool = False
    sort: tuple[SortKey, ...] = ()
    overview: bool = False
    columns: ColumnChoice = field(default_factory=ColumnChoice)


def table_view_to_plain(view: TableView) -> dict[str, Any]:
    """A view as JSON holds it: members that are as by default are left out."""
    plain: dict[str, Any] = {
        "where": view.where,
        "category": view.category,
        "layer": view.layer,
        "marked": view.marked,
        "sort": [str(key) for key in view.sort],
        "overview": view.overview,
        "hidden": sorted(view.columns.hidden),
        "order": list(view.columns.order),
        "widths": dict(view.columns.widths),
    }
    return {name: value for name, value in plain.items() if value or (name == "layer" and value == 0)}


def table_view_from_plain(plain: object) -> TableView:
    """The view that :func:`table_view_to_plain` wrote; what a newer version added is passed over.

    Raises:
        TypeError: it is something else.
    """
    if not isinstance(plain, Mapping):
        raise TypeError("a view is an object")
    layer = plain.get("layer")
    if layer is not None and (not isinstance(layer, int) or isinstance(layer, bool)):
        raise TypeError("layer is no number")
    return TableView(
        where=_text(plain, "where"),
        category=_text(plain, "category"),
        layer=layer,
        marked=_flag(plain, "marked"),
        sort=tuple(SortKey.of(written) for written in _texts(plain, "sort")),
        overview=_flag(plain, "overview"),
        columns=ColumnChoice(frozenset(_texts(plain, "hidden")), _texts(plain, "order"), _widths(plain)),
    )


def _text(plain: Mapping[str, Any], member: str) -> str:
    value = plain.get(member, "")
    if not isinstance(value, str) or len(value) > _LONGEST:
        raise TypeError(f"{member} is no text")
    return value


def _flag(plain: Mapping[str, Any], member: str) -> bool:
    value = plain.get(member, False)
    if not isinstance(value, bool):
        raise TypeError(f"{member} is neither true nor false")
    return value


def _texts(plain: Mapping[str, Any], member: str) -> tuple[str, ...]:
    values = plain.get(member, [])
    if not isinstance(values, list) or len(values) > _LONGEST or not all(isinstance(each, str) for each in values):
        raise TypeError(f"{member} is no list of texts")
    return tuple(dict.fromkeys(values))


def _widths(plain: Mapping[str, Any]) -> dict[str, int]:
    widths = plain.get("widths", {})
    if not isinstance(widths, dict) or len(widths) > _LONGEST:
        raise TypeError("widths is no object")
    if not all(isinstance(width, int) and not isinstance(width, bool) for width in widths.values()):
        raise TypeError("a width is no number")
    return {key: min(max(width, LEAST_WIDTH), MOST_WIDTH) for key, width in widths.items()}
