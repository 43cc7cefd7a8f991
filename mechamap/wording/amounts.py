"""Amounts in words: bytes, durations, counts, numbers of layers."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby

__all__ = ["coarse_count", "coarse_size", "duration", "layer_ranges", "quantity", "size"]


def size(count: float) -> str:
    """Bytes in words: ``1.5 GB``."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"


def coarse_size(count: float) -> str:
    """Bytes in words where tenths of a megabyte mean nothing: ``812 MB``, ``3.4 GB``."""
    return f"{count / 1e6:,.0f} MB" if count < 1e9 else f"{count / 1e9:,.1f} GB"


def coarse_count(count: int) -> str:
    """A number of things in at most five characters: ``812``, ``31k``, ``1.2M``, ``3.4B``."""
    for unit, scale in (("B", 1e9), ("M", 1e6), ("k", 1e3)):
        if count >= scale * 0.9995:
            return f"{count / scale:.1f}{unit}" if count < scale * 9.95 else f"{count / scale:,.0f}{unit}"
    return f"{count:,}"


def duration(seconds: float, *, padded: bool = False) -> str:
    """``0.4 s``, ``12 s``, ``3 min 5 s``, ``2 h 40 min``.

    Args:
        padded: ``3 min 05 s``, which keeps its width while it runs.
    """
    if seconds < 10:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if not minutes:
        return f"{rest} s"
    units = (minutes, "min", rest, "s") if minutes < 60 else (minutes // 60, "h", minutes % 60, "min")
    return f"{units[0]} {units[1]} {units[2]:0{2 if padded else 1}} {units[3]}"


def quantity(count: int, noun: str) -> str:
    """``1 row``, ``1,204 rows``."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def layer_ranges(layers: Iterable[int]) -> str:
    """Numbers as ``--layers`` takes them: ``5-7,27``."""
    numbers = sorted(set(layers))
    runs = [[number for _, number in run] for _, run in groupby(enumerate(numbers), lambda pair: pair[1] - pair[0])]
    return ",".join(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs)
