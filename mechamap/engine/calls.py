"""What the engine process passes to its methods, and how they are kept apart by where they run."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Method", "Methods", "Request"]


@dataclass(eq=False, slots=True)
class Request:
    """One request on its way: its parameters, whether it was cancelled, and where its progress goes."""

    id: int | str
    method: str
    params: Mapping[str, Any]
    notify: Callable[[str, Mapping[str, Any]], None]
    cancel: threading.Event = field(default_factory=threading.Event)

    def progress(self, snapshot: Mapping[str, Any]) -> None:
        self.notify("progress", {"id": self.id, **snapshot})


Method = Callable[[Request], Any]


@dataclass(frozen=True, slots=True)
class Methods:
    """What an engine can do; each takes a Call and returns something JSON-able.

    Attributes:
        queued: done by the main thread, one after another.
        prompt: answered at once by the thread that reads requests; must be quick.
        beside: done in a thread of their own, so that they need not wait for a running scan.
    """

    queued: Mapping[str, Method] = field(default_factory=dict)
    prompt: Mapping[str, Method] = field(default_factory=dict)
    beside: Mapping[str, Method] = field(default_factory=dict)
