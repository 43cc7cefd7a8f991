"""Undo and redo as a plain value, and what they say, without any screen."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

from mechamap.runs.views.column_choice import ColumnChoice
from mechamap.runs.views.sort_key import SortKey
from mechamap.runs.views.table_view import TableView
from mechamap_tui.browse.views.difference import difference, walk_of
from mechamap_tui.browse.views.history import LONGEST, History, MarkStep, ViewStep

ALL = TableView(category="food")
LATE = replace(ALL, where="layer > 5")


def step(before: TableView, after: TableView, row: int | None = None) -> ViewStep:
    return ViewStep(difference(before, after, str), before, after, row, walk=walk_of(before, after))


def test_steps_are_undone_and_done_again_in_turn() -> None:
    filtered, marked = step(ALL, LATE), MarkStep("L0.N3", True)
    history = History().with_step(filtered).with_step(marked)
    undone = []
    while past := history.undo(row=9):
        history, each = past
        undone.append(each)
    assert undone == [marked, filtered]
    again = history.redo()
    assert again is not None
    history, each = again
    assert each == replace(filtered, end=9), "where the cursor was when it was undone"
    assert history == History((replace(filtered, end=9),), (marked,))
    other = history.with_step(step(LATE, ALL))
    assert other.redo() is None, "what was undone before a further step cannot be done again"


def test_the_oldest_steps_are_forgotten() -> None:
    history = History()
    for number in range(LONGEST + 5):
        history = history.with_step(MarkStep(f"L0.N{number}", True))
    assert len(history.done) == LONGEST
    assert history.done[0] == MarkStep("L0.N5", True)


def test_a_walk_through_the_layers_is_one_step_and_none_where_it_ends_where_it_began() -> None:
    history = History().with_step(step(ALL, LATE))
    views = [LATE, *(replace(LATE, layer=layer) for layer in range(3))]
    for before, after in pairwise(views):
        history = history.with_step(step(before, after, row=7 if before is LATE else 8))
    assert [each.what for each in history.done] == ["filter layer > 5", "layer 2"]
    last = history.done[-1]
    assert isinstance(last, ViewStep)
    assert (last.before, last.row) == (LATE, 7)
    assert history.with_step(step(views[-1], LATE)).done == history.done[:1]


@pytest.mark.parametrize(
    ("changes", "what", "walk"),
    [
        ({"where": "dead"}, "filter dead", ""),
        ({"category": "color"}, "category color", ""),
        ({"layer": 0}, "layer 0", "layer"),
        ({"marked": True}, "only marked neurons", ""),
        ({"overview": True}, "all categories", ""),
        ({"sort": (SortKey("ap"), SortKey("layer", False))}, "sort by ap ▼, then layer ▲", ""),
        ({"columns": ColumnChoice(frozenset({"d"}))}, "column d hidden", ""),
        ({"columns": ColumnChoice(frozenset({"max", "d"}))}, "columns d, max hidden", ""),
        ({"columns": ColumnChoice(order=("d", "ap"))}, "columns moved", "order"),
        ({"columns": ColumnChoice(widths={"d": 9})}, "width of d", "width d"),
        ({"where": "dead", "layer": 1}, "filter dead, layer 1", ""),
        ({}, "", ""),
    ],
)
def test_a_step_is_called_by_what_it_changes(changes: dict[str, Any], what: str, walk: str) -> None:
    after = replace(ALL, **changes)
    assert difference(ALL, after, str) == what
    assert walk_of(ALL, after) == walk


def test_what_is_taken_away_is_said_too() -> None:
    before = TableView("dead", "food", 1, True, (SortKey("d"),), True, ColumnChoice(frozenset({"d"})))
    assert difference(before, ALL, str) == (
        "filter removed, all layers, unmarked neurons too, one category, sort as by default, column d shown"
    )
