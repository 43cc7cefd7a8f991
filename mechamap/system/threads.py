"""How the threads of PyTorch wait for each other, and work that is done ahead on a thread of its own."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

__all__ = ["read_ahead", "wait_without_spinning"]


Item = TypeVar("Item")

_SPINS = "1000"  # some microseconds; GNU's default goes on for milliseconds


def wait_without_spinning() -> None:
    """Have OpenMP's threads sleep soon after an operation, unless the environment says how they are to wait.

    By default they spin for milliseconds, and take the cores from the statistics that are counted between two layers:
    a scan of a small model over a corpus takes a tenth longer. It must be called before torch is imported.
    """
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ.setdefault("GOMP_SPINCOUNT", _SPINS)  # of GNU's OpenMP, which PyTorch's wheels for Linux bring
        os.environ.setdefault("KMP_BLOCKTIME", "0")  # milliseconds; of LLVM's and Intel's


def read_ahead(items: Iterable[Item]) -> Generator[Item, None, None]:
    """The items, each made on another thread while the one before it is in use.

    What making one raises is raised where it would have come. Closing the iterator waits for the item that is being
    made.
    """
    iterator = iter(items)
    end = object()
    with ThreadPoolExecutor(1, "read-ahead") as pool:
        following = pool.submit(next, iterator, end)
        while (item := following.result()) is not end:
            following = pool.submit(next, iterator, end)
            yield item  # type: ignore[misc]
