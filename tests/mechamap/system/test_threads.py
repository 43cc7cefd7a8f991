"""Threads that wait without taking the cores, and work done ahead."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import closing

import pytest

from mechamap.system.threads import read_ahead, wait_without_spinning


def test_openmp_is_told_to_sleep_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME"):
        monkeypatch.delenv(name, raising=False)
    wait_without_spinning()
    assert (os.environ["GOMP_SPINCOUNT"], os.environ["KMP_BLOCKTIME"]) == ("1000", "0")


@pytest.mark.parametrize("name", ["OMP_WAIT_POLICY", "GOMP_SPINCOUNT"])
def test_what_the_environment_says_of_waiting_is_left_alone(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    for variable in ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv(name, "active")
    wait_without_spinning()
    assert os.environ.get("GOMP_SPINCOUNT") == ("active" if name == "GOMP_SPINCOUNT" else None)


def test_items_come_in_order_and_the_next_is_made_while_one_is_in_use() -> None:
    begun = [threading.Event() for _ in range(4)]

    def items() -> Iterator[int]:
        for number, event in enumerate(begun):
            event.set()
            yield number

    taken = []
    with closing(read_ahead(items())) as ahead:
        for item in ahead:
            if item + 1 < len(begun):
                assert begun[item + 1].wait(10)
            taken.append(item)
    assert taken == [0, 1, 2, 3]


def test_an_error_comes_where_its_item_would_have_come() -> None:
    def items() -> Iterator[int]:
        yield 1
        raise ValueError("the second cannot be made")

    ahead = read_ahead(items())
    assert next(ahead) == 1
    with pytest.raises(ValueError, match="the second"):
        next(ahead)


def test_no_thread_is_left_when_the_reader_stops_early() -> None:
    with closing(read_ahead(iter(range(100)))) as ahead:
        assert next(ahead) == 0
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("read-ahead")]
