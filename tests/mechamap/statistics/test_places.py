"""Keys of places and the hashes by which they are drawn."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mechamap.statistics.places import (
    Places,
    documents_of,
    hash_start,
    hashes,
    place_keys,
    positions_of,
    signed_hashes,
)

NUMBERS = st.integers(0, 2**31 - 1)
KEYS = st.lists(st.integers(0, 2**63 - 1), min_size=1, max_size=50, unique=True)


def finalized(state: int) -> int:
    """The finalizer of splitmix64 in whole numbers."""
    state = (state ^ state >> 30) * 0xBF58476D1CE4E5B9 % 2**64
    state = (state ^ state >> 27) * 0x94D049BB133111EB % 2**64
    return state ^ state >> 31


@settings(max_examples=60, deadline=None)
@given(NUMBERS, NUMBERS)
def test_a_key_holds_document_and_position(document: int, position: int) -> None:
    keys = place_keys(np.array([document]), np.array([position]))
    assert keys.dtype == np.int64
    assert (documents_of(keys)[0], positions_of(keys)[0]) == (document, position)


def test_no_place_has_neither() -> None:
    assert (documents_of(np.array([-1]))[0], positions_of(np.array([-1]))[0]) == (-1, -1)


def test_keys_are_ordered_as_documents_and_their_positions_are() -> None:
    keys = place_keys(np.array([0, 0, 1, 2**31 - 1]), np.array([5, 2**31 - 1, 0, 1]))
    assert (np.diff(keys) > 0).all()


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**63 - 1), KEYS)
def test_hashes_are_those_of_splitmix64_on_every_device(seed: int, keys: list[int]) -> None:
    found = hashes(seed, np.array(keys))
    assert found.dtype == np.uint64
    assert found.tolist() == [finalized((key + hash_start(seed)) % 2**64) for key in keys]
    assert (signed_hashes(seed, torch.tensor(keys)) + 2**63 >= 0).shape == (len(keys),)
    assert [int(value) + 2**63 for value in signed_hashes(seed, torch.tensor(keys))] == found.tolist()
    assert len(set(found.tolist())) == len(keys)


def test_the_first_numbers_of_splitmix64_are_the_published_ones() -> None:
    """Those of the reference generator with the seed 1234567, which adds its increment before it mixes."""
    states = [(1234567 + number * 0x9E3779B97F4A7C15) % 2**64 for number in (1, 2, 3)]
    assert [finalized(state) for state in states] == [6457827717110365317, 3203168211198807973, 9817491932198370423]
    assert hash_start(1234567) == 6457827717110365317


def test_hashes_of_neighbouring_places_are_spread_evenly() -> None:
    keys = place_keys(np.repeat(np.arange(200), 100), np.tile(np.arange(100), 200))
    counts = np.bincount((hashes(0, keys) >> np.uint64(58)).astype(np.intp), minlength=64)
    expected = len(keys) / 64
    assert ((counts - expected) ** 2 / expected).sum() < 103  # chi-squared of 63 degrees, p = .001
    assert not np.array_equal(hashes(0, keys), hashes(1, keys))


def test_the_places_of_some_rows_keep_keys_and_seed() -> None:
    places = Places(np.array([7, 3, 5]), seed=4)
    taken = places.take(np.array([2, 0]))
    assert (taken.keys.tolist(), taken.seed) == ([5, 7], 4)
    assert places.by_key.tolist() == [1, 2, 0]
    assert (np.diff(places.hashes[places.by_hash].astype(np.float64)) > 0).all()
    assert places.on(torch.device("cpu")) is places.on(torch.device("cpu"))
