"""What one view of a table changes about another, in words."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from mechamap.runs.views.column_choice import ColumnChoice
from mechamap.runs.views.sort_key import SortKey
from mechamap.runs.views.table_view import TableView
from mechamap_tui.widgets.glyphs import DOWN, UP

__all__ = ["difference", "sort_words", "walk_of"]


def difference(before: TableView, after: TableView, title: Callable[[str], str]) -> str:
    """``filter layer > 5, sort by ap ▼``; empty where both are the same.

    Args:
        title: what a column is called.
    """
    return ", ".join(_differences(before, after, title))


def walk_of(before: TableView, after: TableView) -> str:
    """The kind of a step of which many in a row are undone at once: from layer to layer, cell by cell; else empty."""
    changed = [name for name in TableView.__slots__ if getattr(before, name) != getattr(after, name)]
    if changed == ["layer"]:
        return "layer"
    if changed != ["columns"]:
        return ""
    old, new = before.columns, after.columns
    if old.hidden != new.hidden:
        return ""
    if old.order == new.order:
        return "width " + " ".join(_other_widths(old, new))
    return "order" if old.widths == new.widths else ""


def sort_words(keys: tuple[SortKey, ...], title: Callable[[str], str]) -> str:
    """``ap ▼, then L ▲``."""
    return ", then ".join(f"{title(key.column)} {DOWN if key.descending else UP}" for key in keys)


def _differences(before: TableView, after: TableView, title: Callable[[str], str]) -> Iterator[str]:
    if before.where != after.where:
        yield f"filter {after.where}" if after.where else "filter removed"
    if before.category != after.category:
        yield f"category {after.category}"
    if before.layer != after.layer:
        yield "all layers" if after.layer is None else f"layer {after.layer}"
    if before.marked != after.marked:
        yield "only marked neurons" if after.marked else "unmarked neurons too"
    if before.overview != after.overview:
        yield "all categories" if after.overview else "one category"
    if before.sort != after.sort:
        yield f"sort by {sort_words(after.sort, title)}" if after.sort else "sort as by default"
    yield from _column_differences(before.columns, after.columns, title)


def _column_differences(before: ColumnChoice, after: ColumnChoice, title: Callable[[str], str]) -> Iterator[str]:
    for keys, does in ((after.hidden - before.hidden, "hidden"), (before.hidden - after.hidden, "shown")):
        if keys:
            names = ", ".join(sorted(map(title, keys)))
            yield f"column{'s' * (len(keys) > 1)} {names} {does}"
    if before.order != after.order:
        yield "columns moved"
    if wider := _other_widths(before, after):
        yield f"width of {', '.join(sorted(map(title, wider)))}"


def _other_widths(before: ColumnChoice, after: ColumnChoice) -> list[str]:
    keys = sorted({*before.widths, *after.widths})
    return [key for key in keys if before.widths.get(key) != after.widths.get(key)]
