"""What a scan or a check tells while it runs, in the log as well: stages with their seconds, layers, the end."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from mechamap.events import LayerFinished, ScanEvent, ScanFinished, ScanStarted, StageEntered

__all__ = ["logged"]

_LOG = logging.getLogger(__name__)


def logged(on_event: Callable[[ScanEvent], None], job: str) -> Callable[[ScanEvent], None]:
    """A listener that writes each event into the log and hands it on; ``job`` is what is being done."""
    entered = time.monotonic()
    stage = ""

    def hear(event: ScanEvent) -> None:
        nonlocal entered, stage
        match event:
            case StageEntered() if event.stage != stage:
                now = time.monotonic()
                if stage:
                    _LOG.debug("%s: %s took %.2f s", job, stage, now - entered)
                _LOG.info("%s: %s", job, event.stage)
                entered, stage = now, str(event.stage)
            case ScanStarted():
                _LOG.info("%s: %s layers, %s neurons, %s positions", job, event.layers, event.neurons, event.positions)
            case LayerFinished():
                _LOG.debug("%s: layer %s, %s of %s", job, event.layer, event.done, event.total)
            case ScanFinished():
                seconds = ", ".join(f"{name} {value:.2f} s" for name, value in event.timings.items())
                _LOG.info("%s: %s (%s)", job, event.state, seconds)
        on_event(event)

    return hear
