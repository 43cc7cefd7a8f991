"""Too little memory: recognized in whatever was raised for the lack of it, and foreseen where a limit is too low.

Libraries say it in many ways, and some end the process, so that what cannot begin at all is refused before they are
loaded.
"""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterator
from typing import NamedTuple

from mechamap.errors import OutOfMemory
from mechamap.wording.amounts import coarse_size

__all__ = ["ARRAYS", "EXPLORER", "MODELS", "TABLES", "Room", "lacks_memory", "out_of_memory", "require_room"]


class Room(NamedTuple):
    """What libraries take of a process's address space before they have anything to do; measured on Linux.

    Attributes:
        alone: bytes with one thread.
        pools: how many of them have a pool of threads, each with its own buffers.
    """

    alone: int
    pools: int

    @property
    def bytes(self) -> int:
        """With as many threads as they will start here."""
        return self.alone + self.pools * THREAD * (_threads() - 1)


ARRAYS = Room(150_000_000, 1)  # NumPy
TABLES = Room(320_000_000, 1)  # NumPy and pandas
EXPLORER = Room(450_000_000, 1)  # NumPy, Textual, and their threads
MODELS = Room(1_200_000_000, 2)  # PyTorch for processors, transformers and tokenizers, NumPy and SciPy
THREAD = 40_000_000  # bytes of a thread more in a pool: OpenBLAS' buffer and a stack

_SAID = (
    r"OutOfMemory|out of memory|can(?:'t|not) allocate memory|not enough memory|failed to map segment"
    r"|can't start new thread|bad_alloc"
)
_HINT = (
    "Close other programs that use the memory, use a smaller model or fewer layers, or allow this process more: "
    "`ulimit -v` says how much it may take, `ulimit -u` how many threads."
)


def lacks_memory(error: BaseException) -> bool:
    """Whether an exception, or one that it came from, is about memory or threads that there are not."""
    return any(
        isinstance(cause, MemoryError)
        or (isinstance(cause, OSError) and cause.errno == errno.ENOMEM)
        or bool(re.search(_SAID, f"{type(cause).__name__} {cause}", re.IGNORECASE))
        for cause in _causes(error)
    )


def out_of_memory(doing: str) -> OutOfMemory:
    """The error that something cannot go on for lack of memory; ``doing`` begins its sentence."""
    return OutOfMemory(f"{doing} needs more memory than this process may take or the machine has.", _HINT)


def require_room(needed: Room, doing: str) -> None:
    """See that a process may take the address space without which nothing can begin.

    Raises:
        OutOfMemory: it may not; ``doing`` begins its sentence.
    """
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return
    allowed, _ = resource.getrlimit(resource.RLIMIT_AS)
    if allowed != resource.RLIM_INFINITY and allowed < needed.bytes:
        raise OutOfMemory(
            f"{doing} takes {coarse_size(needed.bytes)} of address space at least; this process may take "
            f"{coarse_size(allowed)}.",
            "Allow it more, as by: ulimit -v unlimited",
        )


def _threads() -> int:
    """How many threads OpenBLAS starts: what its variables say, else one a processor, of which it knows 64."""
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
        if (said := os.environ.get(name, "")).isdecimal():
            return min(max(int(said), 1), 64)
    return min(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1, 64)


def _causes(error: BaseException) -> Iterator[BaseException]:
    cause: BaseException | None = error
    for _ in range(10):  # a chain may be a ring
        if cause is None:
            return
        yield cause
        cause = cause.__cause__ or cause.__context__
