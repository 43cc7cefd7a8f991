"""Sorting by several columns: as numpy's own stable sort does it."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as np_st

from mechamap_tui.browse.table.sorting import sorted_rows

EDGES = [0.0, -0.0, 1.5, -1.5, 1e-45, -1e-45, np.inf, -np.inf, np.nan, -np.nan, 3.4e38]
KINDS = (
    (np.float32, st.sampled_from(EDGES) | st.floats(width=32)),
    (np.float64, st.sampled_from(EDGES) | st.floats()),
    (np.float16, st.floats(width=16)),
    (np.int32, st.integers(-3, 3) | st.integers(-(2**31), 2**31 - 1)),
    (np.int64, st.integers(-3, 3) | st.integers(-(2**63), 2**63 - 1)),
    (np.int8, st.integers(-128, 127)),
    (np.uint64, st.integers(0, 2**64 - 1)),
)


@given(st.data())
def test_rows_are_sorted_as_by_a_stable_sort_of_each_column_in_turn(data: st.DataObject) -> None:
    count = data.draw(st.integers(0, 40))
    kinds = data.draw(st.lists(st.sampled_from(KINDS), min_size=1, max_size=4))
    columns = [data.draw(np_st.arrays(kind, count, elements=elements)) for kind, elements in kinds]
    expected = np.arange(count)
    for column in reversed(columns):
        expected = expected[np.argsort(column[expected], kind="stable")]
    assert sorted_rows(*columns).tolist() == expected.tolist()
