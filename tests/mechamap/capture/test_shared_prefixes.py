"""Which beginnings of windows are run once, and what is left of each window."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mechamap.capture.shared_prefixes import prefix_groups, token_cost
from mechamap.text.tokenize import TokenizedText, Window


def text_of(*sequences: list[int], wanted: list[list[int]]) -> tuple[TokenizedText, np.ndarray]:
    """Windows with these tokens, and a mask of the places that are wanted in each."""
    windows, mask, start = [], [], 0
    for number, (ids, places) in enumerate(zip(sequences, wanted, strict=True)):
        windows.append(Window(number, start, len(ids)))
        mask += [place in places for place in range(len(ids))]
        start += len(ids)
    ids = np.array([token for sequence in sequences for token in sequence], np.int32)
    nowhere, no = np.full((start, 2), -1, np.int32), np.zeros(start, np.bool_)
    return TokenizedText(ids, (), nowhere, no, np.array(mask, np.bool_), tuple(windows)), np.array(mask, np.bool_)


def test_windows_that_begin_alike_share_all_before_their_first_wanted_token() -> None:
    begin = [1, 2, 3, 4, 5]
    text, wanted = text_of(*([*begin, word, 9, 9] for word in (60, 61, 62, 63)), wanted=[[5]] * 4)
    (group,) = prefix_groups(text, wanted, forward_cost=1)
    assert (group.length, group.prefixes.tolist(), group.rows.tolist()) == (5, [begin], [0, 0, 0, 0])
    assert [(window.start, window.length) for window in group.rest] == [(5, 1), (13, 1), (21, 1), (29, 1)]
    assert token_cost([group], forward_cost=1) == 5 + 4 + 2


def test_prefixes_of_one_length_stand_in_one_group_and_short_rests_first() -> None:
    sequences = [[1, 2, 3, 50, 51], [1, 2, 3, 52], [1, 2, 4, 53], [1, 2, 4, 54, 55]]
    text, wanted = text_of(*sequences, wanted=[[3, 4], [3], [3], [3, 4]])
    (group,) = prefix_groups(text, wanted, forward_cost=0)
    assert group.prefixes.tolist() == [[1, 2, 3], [1, 2, 4]]
    assert [(window.text, window.length) for window in group.rest] == [(1, 1), (2, 1), (0, 2), (3, 2)]
    assert group.rows.tolist() == [0, 1, 0, 1]
    few = group.only([0, 3])
    assert ([window.text for window in few.whole], few.rows.tolist()) == ([1, 3], [0, 1])


def test_tokens_that_differ_by_word_shorten_the_prefix() -> None:
    # The token before the word depends on the word, as where a tokenizer merges across the space.
    text, wanted = text_of(*([1, 2, 3, 4, 70 + word, 9] for word in range(6)), wanted=[[5]] * 6)
    (group,) = prefix_groups(text, wanted, forward_cost=1)
    assert group.prefixes.tolist() == [[1, 2, 3, 4]]
    assert {window.length for window in group.rest} == {2}


def test_a_longer_prefix_of_a_few_is_taken_only_where_it_pays_for_its_forwards() -> None:
    sequences = [[1, 2, word] for word in range(30, 40)] + [[1, 2, 3, 4, 5, word] for word in range(40, 45)]
    places = [[len(sequence) - 1] for sequence in sequences]
    text, wanted = text_of(*sequences, wanted=places)
    assert [group.length for group in prefix_groups(text, wanted, forward_cost=1)] == [2, 5]
    assert [group.length for group in prefix_groups(text, wanted, forward_cost=8)] == [2]
    assert [group.length for group in prefix_groups(text, wanted, forward_cost=100)] == [0]


def test_a_window_without_a_wanted_token_is_left_out_and_a_first_one_is_never_in_a_prefix() -> None:
    text, wanted = text_of([1, 2, 3], [1, 2, 4], [1, 2, 5], wanted=[[0, 1], [], [0]])
    (group,) = prefix_groups(text, wanted, forward_cost=0)
    assert (group.length, group.prefixes.shape) == (0, (1, 0))
    assert [(window.text, window.length) for window in group.rest] == [(2, 1), (0, 2)]


@given(
    st.lists(st.lists(st.integers(0, 2), min_size=1, max_size=8), min_size=1, max_size=12),
    st.data(),
    st.integers(0, 6),
)
def test_prefix_and_rest_are_the_window_up_to_its_last_wanted_token(sequences, data, cost) -> None:
    wanted = [sorted(data.draw(st.sets(st.integers(0, len(ids) - 1), min_size=1))) for ids in sequences]
    text, mask = text_of(*sequences, wanted=wanted)
    groups = prefix_groups(text, mask, cost)
    assert sorted(window.text for group in groups for window in group.whole) == list(range(len(sequences)))
    assert len({group.length for group in groups}) == len(groups)
    for group in groups:
        for rest, row in zip(group.rest, group.rows, strict=True):
            own = text.ids[rest.start : rest.start + rest.length].tolist()
            places = wanted[rest.text]
            assert [*group.prefixes[row].tolist(), *own] == sequences[rest.text][: places[-1] + 1]
            assert group.length <= places[0]
    whole = sum(places[-1] + 1 for places in wanted)
    assert token_cost(groups, 0) <= whole  # a prefix is never run more often than it saves
