"""How much memory is available, and giving it back."""

from __future__ import annotations

import ctypes
import gc
import os
import sys
from contextlib import suppress
from pathlib import Path

__all__ = ["free_memory", "give_memory_back", "return_large_blocks"]

_MMAP_THRESHOLD = -3  # M_MMAP_THRESHOLD of glibc's malloc.h
_LARGE_BLOCK = 256 * 1024  # bytes


def return_large_blocks() -> None:
    """Have glibc give blocks from 256 KiB on back to the system as soon as they are freed, unless the environment
    says from which size.

    By default the size rises to that of the largest block freed so far, up to 32 MiB. Batches of differing lengths then
    leave holes that nothing fits into, and memory rises for the first hundred thousand tokens of a corpus.
    """
    if not {"MALLOC_MMAP_THRESHOLD_", "GLIBC_TUNABLES"} & os.environ.keys():
        with suppress(OSError, AttributeError):  # other C libraries have no such setting
            ctypes.CDLL(None).mallopt(_MMAP_THRESHOLD, _LARGE_BLOCK)


def give_memory_back() -> None:
    """Free what is no longer referenced, on GPUs too, before another model is loaded."""
    gc.collect()
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_initialized():
        torch.cuda.empty_cache()
    with suppress(OSError, AttributeError):  # only glibc keeps freed memory, and can be asked to return it
        ctypes.CDLL(None).malloc_trim(0)


def free_memory() -> int | None:
    """Bytes a process can take without swapping, within the limit of its control group; None if unknown."""
    amounts = [amount for amount in (_available(), _left_in_group()) if amount is not None]
    return min(amounts) if amounts else None


def _available() -> int | None:
    try:
        for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    except (OSError, ValueError, IndexError):
        pass
    try:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return None


def _left_in_group() -> int | None:
    """What a container may still take; version 1 and 2 of control groups keep it in different places."""
    for limit, used in (
        ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"),
        ("/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/memory/memory.usage_in_bytes"),
    ):
        try:
            return max(int(Path(limit).read_text(encoding="ascii")) - int(Path(used).read_text(encoding="ascii")), 0)
        except (OSError, ValueError):  # no such group, or "max"
            continue
    return None
