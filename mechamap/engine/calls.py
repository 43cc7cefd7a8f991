"""Requests as the methods of the engine process get them, and the methods by the thread that they run in."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from msgspec import Struct

from mechamap.engine.kept import Kept
from mechamap.errors import Cancelled
from mechamap.protocol.messages import Progress, plain
from mechamap.protocol.requests import read_params

__all__ = ["Method", "Methods", "Request"]

_P = TypeVar("_P", bound=Struct)


@dataclass(eq=False, slots=True)
class Request:
    """One request on its way: its parameters, where its progress goes, and what is kept from those before it."""

    id: int | str
    method: str
    params: Mapping[str, Any]
    notify: Callable[[str, Mapping[str, Any]], None]
    kept: Kept = field(default_factory=Kept)
    cancel: threading.Event = field(default_factory=threading.Event)
    needless: threading.Event = field(default_factory=threading.Event)  # cancelled, or overtaken by a newer request

    def read(self, kind: type[_P]) -> _P:
        """The parameters as values.

        Raises:
            RpcFault: one is missing or is not valid.
        """
        return read_params(self.method, self.params, kind)

    def stop(self) -> None:
        """Have it stop at its next step."""
        self.cancel.set()
        self.needless.set()

    @property
    def overtakes(self) -> bool:
        """Whether it makes earlier requests of its kind needless, and may become needless itself."""
        return self.params.get("overtakes") is True

    def progress(self, progress: Progress) -> None:
        self.notify("progress", {"id": self.id, **plain(progress)})

    def stop_if_cancelled(self) -> None:
        """Raise :class:`mechamap.errors.Cancelled` if the request was cancelled."""
        if self.cancel.is_set():
            raise Cancelled("The request was cancelled before it was finished.")


Method = Callable[[Request], Any]


@dataclass(frozen=True, slots=True)
class Methods:
    """What an engine can do; each takes a request and returns a message of :mod:`mechamap.protocol.messages`.

    Attributes:
        queued: done by the main thread, one after another.
        prompt: answered at once by the thread that reads requests; must be quick.
        beside: done in a thread of their own, so that they need not wait for a running scan.
        overtaking: names of those queued ones of which only the newest request is wanted, where requests say so.
    """

    queued: Mapping[str, Method] = field(default_factory=dict)
    prompt: Mapping[str, Method] = field(default_factory=dict)
    beside: Mapping[str, Method] = field(default_factory=dict)
    overtaking: frozenset[str] = frozenset()
