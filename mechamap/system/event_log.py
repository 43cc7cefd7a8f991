"""What a scan or a check tells while it runs, in the log as well: stages with their seconds, layers, the end."""

from __future__ import annotations

import logging
import time

from mechamap.events import (
    LayerFinished,
    Listener,
    ScanEvent,
    ScanFinished,
    ScanStarted,
    ShardFinished,
    Stage,
    StageEntered,
)

__all__ = ["logged"]

_LOG = logging.getLogger(__name__)


def logged(on_event: Listener, job: str) -> Listener:
    """A listener that writes each event into the log and hands it on; ``job`` is what is being done."""
    entered = time.monotonic()
    stage: Stage | None = None

    def hear(event: ScanEvent) -> None:
        nonlocal entered, stage
        match event:
            case StageEntered() if event.stage is not stage:
                now = time.monotonic()
                if stage is not None:
                    _LOG.debug("%s: %s took %.2f s", job, stage, now - entered)
                _LOG.info("%s: %s", job, event.stage)
                entered, stage = now, event.stage
            case ScanStarted():
                _LOG.info("%s: %s layers, %s neurons, %s positions", job, event.layers, event.neurons, event.positions)
            case LayerFinished():
                _LOG.debug("%s: layer %s, %s of %s", job, event.layer, event.done, event.total)
            case ShardFinished():
                _LOG.info("%s: shard %s, %s of %s, %s tokens", job, event.shard, event.done, event.total, event.tokens)
            case ScanFinished():
                seconds = ", ".join(f"{name} {value:.2f} s" for name, value in event.timings.items())
                _LOG.info("%s: %s (%s)", job, event.state, seconds)
        on_event(event)

    return hear
