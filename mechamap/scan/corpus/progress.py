"""How far a corpus scan is, told now and then."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from mechamap.events import CorpusProgress, Listener

__all__ = ["CorpusProgressTeller"]


@dataclass(slots=True)
class CorpusProgressTeller:
    """Tells how many tokens were read, four times a second at most."""

    on_event: Listener
    tokens: int
    told: float = 0.0
    started: float = field(default_factory=time.perf_counter)
    read: int = 0

    def add(self, tokens: int) -> None:
        self.tokens += tokens
        self.read += tokens
        moment = time.perf_counter()
        if moment - self.told >= 0.25:
            self.told = moment
            self.on_event(CorpusProgress(self.tokens, self.read / max(moment - self.started, 1e-6)))
