"""Memory that goes back to the system."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys

import pytest

# Raises glibc's own threshold, then frees a block that lies below another one, and prints by how much that helped.
_FREE_BELOW = """
import ctypes, sys
from mechamap.system.memory import return_large_blocks

def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096

c = ctypes.CDLL(None)
c.malloc.restype = ctypes.c_void_p
c.free.argtypes = [ctypes.c_void_p]
if sys.argv[1] == "returned":
    return_large_blocks()
size = 16 * 2**20
c.free(c.malloc(size))
block, above = c.malloc(size), [c.malloc(2**20) for _ in range(8)]  # larger than the holes that Python leaves
ctypes.memset(block, 1, size)
before = resident()
c.free(block)
print(before - resident())
"""


def _freed(how: str, **environment: str) -> int:
    command = [sys.executable, "-c", _FREE_BELOW, how]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env={**os.environ, **environment})
    return int(done.stdout)


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "mallopt"), reason="a C library without mallopt")
def test_a_large_block_goes_back_to_the_system_though_one_lies_above_it() -> None:
    assert _freed("kept") < 2**20
    assert _freed("returned") > 15 * 2**20


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "mallopt"), reason="a C library without mallopt")
def test_what_the_environment_says_of_large_blocks_is_left_alone() -> None:
    assert _freed("returned", MALLOC_MMAP_THRESHOLD_=str(2**25)) < 2**20
