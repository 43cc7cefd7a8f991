"""How far a scan is, told on stderr while it runs."""

from __future__ import annotations

import time
from pathlib import Path

from mechamap.commands.narration import Narration, duration
from mechamap.events import LayerFinished, ScanEvent, ScanFinished, ScanStarted, StageEntered

__all__ = ["ScanProgress"]

_VERBS = {
    "resolve": "looking for the model",
    "load": "loading",
    "prove": "proving that the hooks see the neurons",
    "tokenize": "tokenizing",
    "pass": "scanning",
    "write": "writing",
    "carriers": "confirming",
    "gradients": "estimating causes",
}
_LIVE_SECONDS, _LINE_SECONDS = 0.1, 5.0


class ScanProgress:
    """Listens to a scan's events: one line that is updated on a terminal, a line now and then elsewhere."""

    def __init__(self, narration: Narration) -> None:
        self._narration = narration
        self._neurons = 0
        self._began = 0.0
        self._told = 0.0
        self._stage_told, self._stage_told_at = "", 0.0
        self._passing = _VERBS["pass"]
        self._done_before: int | None = None
        self.run: Path | None = None  # the run's folder, once there is one

    def __call__(self, event: ScanEvent) -> None:
        match event:
            case StageEntered():
                self._stage(event)
            case ScanStarted():
                self.run = event.run
                self._neurons = event.neurons
                self._began = time.monotonic()
            case LayerFinished():
                self._layer(event)
            case ScanFinished():
                self._narration.clear()

    def _stage(self, event: StageEntered) -> None:
        if event.stage == "carriers":
            self._passing = _VERBS["carriers"]  # the next pass is that over the carrier sentences
        verb = self._passing if event.stage == "pass" else _VERBS.get(event.stage, event.stage)
        text = verb + (f": {event.detail}" if event.detail else "")
        if self._narration.live:
            self._narration.progress(text)
            return
        now = time.monotonic()
        if event.stage == self._stage_told and now - self._stage_told_at < _LINE_SECONDS:
            return  # the next part of the same stage
        self._stage_told, self._stage_told_at = event.stage, now
        self._narration.say(text)

    def _layer(self, event: LayerFinished) -> None:
        now = time.monotonic()
        if self._done_before is None:
            self._done_before = event.done - 1  # layers kept from before a resumption took no time now
        if now - self._told < (_LIVE_SECONDS if self._narration.live else _LINE_SECONDS) and event.done < event.total:
            return
        self._told = now
        per_layer = (now - self._began) / (event.done - self._done_before)
        left = per_layer * (event.total - event.done)
        text = f"{self._passing}: {event.done} of {event.total} layers"
        text += f", {event.neurons_done:,} of {self._neurons:,} neurons"
        text += f", {duration(left)} left" if left else ""
        if self._narration.live:
            self._narration.progress(text)
        else:
            self._narration.say(text)
