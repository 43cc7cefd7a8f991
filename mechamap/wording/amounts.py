"""Amounts in words: bytes, durations, numbers of layers."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby

__all__ = ["duration", "layer_ranges", "size", "sized"]


def size(count: float) -> str:
    """Bytes in words: ``1.5 GB``."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"


def duration(seconds: float) -> str:
    """``0.4 s``, ``12 s``, ``3 min 5 s``, ``2 h 40 min``."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


def sized(count: int, noun: str) -> str:
    """``1 row``, ``1,204 rows``."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def layer_ranges(layers: Iterable[int]) -> str:
    """Numbers as ``--layers`` takes them: ``5-7,27``."""
    numbers = sorted(set(layers))
    runs = [[number for _, number in run] for _, run in groupby(enumerate(numbers), lambda pair: pair[1] - pair[0])]
    return ",".join(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs)
