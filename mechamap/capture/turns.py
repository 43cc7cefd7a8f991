"""Batches that take turns at every layer, so that a long text needs the memory of one layer at a time."""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable
from contextlib import suppress


class RelayStopped(Exception):
    """Leaves a forward behind the last wanted layer."""


class BatchRelay:
    """Runs the same work for each batch, one at a time, each giving the turn to the next where it says so.

    With one batch it all happens in the calling thread. With several, each has a thread; only one of them ever runs.
    The first failure stops all of them and is raised to the caller.
    """

    def __init__(self, count: int, *, give_back: bool) -> None:
        self._count = count
        self._give_back = give_back
        self._turn = 0
        self._changed = threading.Condition()
        self._failure: BaseException | None = None
        self._finished = [False] * count
        self._own = threading.local()

    def mine(self) -> int:
        """The batch that the calling thread runs."""
        number: int = self._own.number
        return number

    def run(self, work: Callable[[int], None]) -> None:
        if self._count == 1:
            self._own.number = 0
            work(0)
            return
        if self._give_back:
            _give_back_large_blocks()
        threads = [threading.Thread(target=self._body, args=(work, n), daemon=True) for n in range(self._count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if self._failure is not None:
            raise self._failure

    def _body(self, work: Callable[[int], None], number: int) -> None:
        self._own.number = number
        try:
            self._wait_for(number)
            work(number)
        except BaseException as error:
            with self._changed:
                if self._failure is None and not isinstance(error, RelayStopped):
                    self._failure = error
                self._changed.notify_all()
        finally:
            with self._changed:
                self._finished[number] = True
                if self._turn == number:
                    self._advance(number)
                self._changed.notify_all()

    def pass_on(self, number: int) -> None:
        """Give the turn to the next batch and wait until it comes back."""
        if self._count == 1:
            return
        with self._changed:
            self._advance(number)
            self._changed.notify_all()
        self._wait_for(number)

    def _advance(self, number: int) -> None:
        for step in range(1, self._count + 1):
            self._turn = (number + step) % self._count
            if not self._finished[self._turn]:
                return

    def _wait_for(self, number: int) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._turn == number or self._failure is not None)
            if self._failure is not None:
                raise RelayStopped


def _give_back_large_blocks() -> None:
    """Have glibc return freed tensors to the system, instead of each thread's heap keeping its own.

    Without it a long text takes several times its activations: every thread frees them into an arena of its own,
    where no other thread finds them. Elsewhere than on glibc nothing happens.
    """
    mmap_threshold, one_mebibyte = -3, 2**20  # M_MMAP_THRESHOLD of malloc.h; setting it also stops it from growing
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(mmap_threshold, one_mebibyte)
