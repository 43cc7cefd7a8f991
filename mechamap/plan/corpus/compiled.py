"""What it means for a scan on a CPU whether its statistics are compiled: time, memory, a remark."""

from __future__ import annotations

import importlib.util

__all__ = ["compiler_bytes", "is_fast", "slow_remark", "statistics_seconds"]


_COMPILED, _NOT_COMPILED = 1.1e-9, 65e-9  # seconds of a core for an activation, measured
_AT_FIRST, _FIRST_TOKENS = 1.0e-9, 100_000  # seconds more in the first tokens, where most contexts are new
_BYTES = 125_000_000  # of numba with the compiled statistics, measured


def is_fast() -> bool:
    """Whether statistics on the CPU will be compiled."""
    return importlib.util.find_spec("numba") is not None


def statistics_seconds(positions: float) -> float:
    """Seconds of a core for the statistics of one neuron over so many positions."""
    if not is_fast():
        return _NOT_COMPILED * positions
    return _COMPILED * positions + _AT_FIRST * min(positions, _FIRST_TOKENS)


def compiler_bytes() -> int:
    """Bytes of memory of what compiles them."""
    return _BYTES if is_fast() else 0


def slow_remark(device: str) -> str | None:
    """What would make a scan over a corpus faster on a type of device; None where it is as fast as it gets."""
    if device != "cpu" or is_fast():
        return None
    times = round(_NOT_COMPILED / _COMPILED, -1)
    return (
        f"numba is not installed; on a CPU the statistics take about {times:.0f} times as long without it. "
        "Install it: pip install 'mechamap[fast]'"
    )
