"""What time it is, and how long each stage of a scan takes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

__all__ = ["Clock", "now"]


@dataclass(slots=True)
class Clock:
    """Seconds by stage."""

    start: float = field(default_factory=time.perf_counter)
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        started = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[stage] = self.seconds.get(stage, 0.0) + time.perf_counter() - started

    def since_start(self) -> float:
        return time.perf_counter() - self.start


def now() -> str:
    """The time in UTC, to the second, as records say it."""
    return datetime.now(UTC).isoformat(timespec="seconds")
