"""What the longer suite of damage and kills has tried, kept for the table of docs/reliability.md."""

from __future__ import annotations

import ctypes
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from support.repository import ROOT

__all__ = ["FIGURES", "Peak", "peak_of_memory", "record"]


FIGURES = ROOT / ".torture" / "figures.jsonl"


class Peak:
    """The most memory that was resident meanwhile, in bytes beyond what was before; 0 where the system does not say."""

    bytes = 0


def record(part: str, tried: int, cpu: float = 0.0, memory: int = 0) -> None:
    """Add to what a part of the suite has tried, all of which held.

    Args:
        cpu: the most seconds of CPU that one input took.
        memory: the most bytes, likewise.
    """
    FIGURES.parent.mkdir(exist_ok=True)
    line = json.dumps({"part": part, "tried": tried, "cpu": round(cpu, 3), "memory": memory}) + "\n"
    descriptor = os.open(FIGURES, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        os.write(descriptor, line.encode())  # in one piece: two processes write
    finally:
        os.close(descriptor)


@contextmanager
def peak_of_memory() -> Iterator[Peak]:
    """Measure how far what is resident grows beyond what it is now, at its highest."""
    peak = Peak()
    with suppress(OSError, AttributeError):  # freed memory that is kept would be used again, and not be seen
        ctypes.CDLL(None).malloc_trim(0)
    before = _resident("VmRSS")
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # the peak begins anew
    try:
        yield peak
    finally:
        peak.bytes = max(_resident("VmHWM") - before, 0)


def _resident(which: str) -> int:
    try:
        for line in Path("/proc/self/status").read_text(encoding="ascii", errors="replace").splitlines():
            if line.startswith(f"{which}:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    return 0
