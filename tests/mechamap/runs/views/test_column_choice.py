"""Columns hidden, moved and widened, as a plain value."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mechamap.runs.views.column_choice import LEAST_WIDTH, ColumnChoice

KEYS = ("ap", "reads", "writes", "d", "max")


def test_nothing_chosen_is_the_default_order() -> None:
    assert ColumnChoice().shown(KEYS) == list(KEYS)


def test_a_hidden_column_comes_back_to_its_place() -> None:
    hidden = ColumnChoice().with_hidden("reads")
    assert hidden.shown(KEYS) == ["ap", "writes", "d", "max"]
    assert hidden.with_hidden("reads", hidden=False) == ColumnChoice()


def test_a_column_moves_past_the_next_one_that_is_shown_and_no_further_than_the_ends() -> None:
    choice = ColumnChoice().with_hidden("reads")
    moved = choice.with_moved("writes", -1, KEYS)
    assert moved.shown(KEYS) == ["writes", "ap", "d", "max"]
    assert moved.with_moved("writes", -1, KEYS) == moved
    assert moved.with_moved("writes", 1, KEYS).shown(KEYS) == choice.shown(KEYS)


def test_a_column_that_a_check_adds_stands_behind_the_one_it_comes_behind_by_default() -> None:
    moved = ColumnChoice().with_moved("ap", 1, KEYS)
    assert moved.shown(("ap", "p", "reads", "writes", "d", "max")) == ["reads", "ap", "p", "writes", "d", "max"]
    assert moved.shown(("strength", *KEYS))[0] == "strength"


def test_columns_that_a_table_does_not_have_are_no_matter() -> None:
    choice = ColumnChoice(frozenset({"gone"}), ("gone", "d", "ap"), {"gone": 9})
    assert choice.shown(KEYS) == ["d", "max", "ap", "reads", "writes"]
    assert choice.with_moved("d", 1, KEYS).order[-1] == "gone", "another table may have it"


def test_a_width_has_bounds_and_the_default_is_not_kept() -> None:
    narrow = ColumnChoice().with_width("ap", -5, 6)
    assert narrow.widths == {"ap": LEAST_WIDTH}
    assert narrow.with_width("ap", 6, 6) == ColumnChoice()


@given(st.lists(st.tuples(st.sampled_from(KEYS), st.sampled_from(["hide", "show", "left", "right"])), max_size=12))
def test_whatever_is_done_every_column_is_there_once(steps: list[tuple[str, str]]) -> None:
    choice = ColumnChoice()
    for key, step in steps:
        if step in ("hide", "show"):
            choice = choice.with_hidden(key, hidden=step == "hide")
        elif key in choice.shown(KEYS):
            before = choice.shown(KEYS).index(key)
            choice = choice.with_moved(key, -1 if step == "left" else 1, KEYS)
            assert abs(choice.shown(KEYS).index(key) - before) <= 1
        assert sorted(choice.arranged(KEYS)) == sorted(KEYS)
