"""The order index: sorting, filtering and finding neurons, without any screen."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as np_st

from mechamap_tui.browse.table.order import NeuronOrder, SortKey

COLUMNS = {
    "score": np.array([0.5, np.nan, -0.9, 0.5, 0.1], dtype=np.float32),
    "layer": np.array([0, 0, 1, 1, 2], dtype=np.int32),
}


def order_of(columns: dict[str, np.ndarray] = COLUMNS, default: str = "score") -> NeuronOrder:
    return NeuronOrder(len(columns[default]), lambda key: columns[key], (SortKey(default),))


def test_the_default_is_downwards_with_ties_by_row_and_what_was_not_computed_last() -> None:
    assert order_of().rows.tolist() == [0, 3, 4, 2, 1]


def test_what_was_not_computed_is_last_upwards_too() -> None:
    order = order_of()
    order.sort(SortKey("score", descending=False))
    assert order.rows.tolist() == [2, 4, 0, 3, 1]


def test_a_second_key_orders_equals() -> None:
    order = order_of()
    order.sort(SortKey("score"), SortKey("layer"))
    assert order.rows.tolist() == [3, 0, 4, 2, 1]


def test_a_column_cycles_down_up_and_as_it_was() -> None:
    order = order_of()
    order.sort(SortKey("score", descending=False))
    seen = []
    for _ in range(3):
        order.cycle("layer")
        seen.append(order.keys)
    assert seen == [(SortKey("layer"),), (SortKey("layer", False),), (SortKey("score", False),)]


def test_a_column_whose_lowest_values_matter_begins_upwards() -> None:
    order = order_of()
    seen = []
    for _ in range(3):
        order.cycle("layer", descending=False)
        seen.append(order.keys)
    assert seen == [(SortKey("layer", False),), (SortKey("layer"),), (SortKey("score"),)]
    order.cycle_further("layer", descending=False)
    assert order.keys == (SortKey("score"), SortKey("layer", False))


def test_the_default_column_cycles_up_and_back_to_the_default() -> None:
    order = order_of()
    order.cycle("score")
    assert order.keys == (SortKey("score", False),)
    order.cycle("score")
    assert order.keys == (SortKey("score"),)


def test_a_further_key_cycles_down_up_and_away() -> None:
    order = order_of()
    seen = []
    for _ in range(3):
        order.cycle_further("layer")
        seen.append(order.keys[1:])
    assert seen == [(SortKey("layer"),), (SortKey("layer", False),), ()]


def test_any_number_of_keys_is_added_and_each_is_turned_or_leaves_in_its_place() -> None:
    order = order_of(COLUMNS | {"neuron": np.arange(5)})
    order.cycle_further("layer")
    order.cycle_further("neuron")
    assert order.rows.tolist() == [3, 0, 4, 2, 1]
    order.cycle_further("layer")
    assert order.keys == (SortKey("score"), SortKey("layer", False), SortKey("neuron"))
    assert order.rows.tolist() == [0, 3, 4, 2, 1]
    order.cycle_further("score")
    assert order.keys[0] == SortKey("score", False)
    order.cycle_further("score")
    assert order.keys == (SortKey("layer", False), SortKey("neuron")), "the next one is the first now"


def test_the_only_key_is_turned_round() -> None:
    order = order_of()
    order.cycle_further("score")
    assert order.keys == (SortKey("score", False),)
    order.cycle_further("score")
    assert order.keys == (SortKey("score"),)


def test_a_sort_beside_leaves_the_rows_as_they_were_until_it_is_taken() -> None:
    order = NeuronOrder(5, lambda key: COLUMNS[key], (SortKey("score"),), beside=True)
    assert (order.waits, len(order), order.count) == (True, 0, 5)
    assert order.take(order.sorting, order.sorting.rows())
    assert order.rows.tolist() == [0, 3, 4, 2, 1]
    order.sort(SortKey("layer"))
    overtaken = order.sorting
    order.set_filter("layer", COLUMNS["layer"] == 1)
    assert order.rows.tolist() == [0, 3, 4, 2, 1]
    assert (order.count, order.shows(2), order.shows(0)) == (2, True, False)
    order.sort(SortKey("layer", False))
    assert not order.take(overtaken, overtaken.rows()), "another one is asked for by now"
    late = order.sorting
    assert order.rows_now.tolist() == [2, 3], "a file is not written in the order of before"
    assert not order.waits
    assert order.take(late, late.rows())
    order.sort(SortKey("layer", False), SortKey("score"))
    assert order.waits
    assert order.take(order.sorting, order.sorting.rows())
    assert order.rows.tolist() == [3, 2]


def test_filters_join_and_leave_one_by_one() -> None:
    order = order_of()
    order.set_filter("layer", COLUMNS["layer"] == 1)
    assert order.rows.tolist() == [3, 2]
    order.set_filter("score", COLUMNS["score"] > 0)
    assert order.rows.tolist() == [3]
    order.set_filter("layer", None)
    assert order.rows.tolist() == [0, 3, 4]
    assert order.filters == {"score"}


def test_neurons_that_are_not_available_are_not_shown_and_not_counted() -> None:
    order = order_of()
    order.set_available(COLUMNS["layer"] < 2)
    assert order.rows.tolist() == [0, 3, 2, 1]
    assert order.available == 4
    assert order.place_of(4) is None


def test_new_values_are_sorted_again() -> None:
    columns = {"score": np.array([1.0, 2.0, np.nan])}
    order = order_of(columns)
    order.set_available(np.array([True, True, False]))
    assert order.rows.tolist() == [1, 0]
    columns["score"][2] = 3.0
    order.set_available(None)
    assert order.rows.tolist() == [2, 1, 0]


def test_orders_of_before_are_kept_and_only_those_of_the_same_values() -> None:
    columns = {"score": np.array([1.0, 2.0, 3.0]), "layer": np.array([0, 1, 2])}
    order = order_of(columns)
    first = order.matching()
    order.sort(SortKey("layer", False))
    order.values_of("food", others=False)
    assert order.rows.tolist() == [0, 1, 2]
    order.values_of(None)
    order.sort(SortKey("score"))
    assert order.matching() is first, "it was not sorted again"
    columns["score"] = -columns["score"]
    order.values_of("food")
    assert order.rows.tolist() == [0, 1, 2]
    order.values_of(None)
    assert order.matching() is first
    order.values_changed()
    assert order.rows.tolist() == [0, 1, 2], "whatever was kept is of no use now"


def test_a_mask_is_matched_whatever_the_filters_show() -> None:
    order = order_of()
    order.set_filter("layer", COLUMNS["layer"] == 1)
    assert order.matching().tolist() == [0, 3, 4, 2, 1]
    assert order.matching(np.array([False, True, True, False, False])).tolist() == [2, 1]


@given(
    np_st.arrays(np.float32, st.integers(1, 60), elements=st.floats(-1, 1, width=32) | st.just(np.nan)),
    st.booleans(),
    st.data(),
)
def test_every_neuron_that_passes_is_shown_once_and_in_order(
    scores: np.ndarray, descending: bool, data: st.DataObject
) -> None:
    mask = data.draw(np_st.arrays(np.bool_, len(scores)))
    order = order_of({"score": scores})
    order.sort(SortKey("score", descending))
    order.set_filter("some", mask)
    rows = order.rows
    assert sorted(rows.tolist()) == np.flatnonzero(mask).tolist()
    shown = scores[rows]
    shown = shown[~np.isnan(shown)]
    assert np.isnan(scores[rows][len(shown) :]).all()
    steps = np.diff(shown)
    assert (steps <= 0).all() if descending else (steps >= 0).all()
    for place, row in enumerate(rows.tolist()):
        assert order.place_of(row) == place


@pytest.mark.parametrize("neurons", [2_000_000])
def test_two_million_neurons_sort_filter_and_are_found(neurons: int) -> None:
    rng = np.random.default_rng(0)
    scores = rng.uniform(-1, 1, neurons).astype(np.float32)
    layers = np.repeat(np.arange(100, dtype=np.int32), neurons // 100)
    order = order_of({"score": scores, "layer": layers})
    assert scores[order.rows[0]] == scores.max()
    order.set_filter("layer", layers == 42)
    assert len(order) == neurons // 100
    best = int(order.rows[0])
    assert scores[best] == scores[layers == 42].max()
    order.cycle("score")
    assert order.place_of(best) == len(order) - 1
    order.sort(SortKey("layer"), SortKey("score"))
    order.set_filter("layer", None)
    assert int(layers[order.rows[0]]) == 99
    assert scores[order.rows[0]] == scores[layers == 99].max()
