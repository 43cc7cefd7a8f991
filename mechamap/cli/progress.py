"""The progress of a scan, or of a sweep over several models, on stderr while it runs."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from mechamap.cli.narration import Narration, write_data
from mechamap.cli.plan import warn
from mechamap.cli.scan_options import ScanOptions
from mechamap.cli.scan_report import remark_lines
from mechamap.errors import MechaMapError, error_named
from mechamap.events import (
    CorpusProgress,
    LayerFinished,
    ModelFinished,
    ModelStarted,
    ScanEvent,
    ScanFinished,
    ScanStarted,
    Stage,
    StageEntered,
)
from mechamap.runs.run import Run
from mechamap.scan.sweep_jobs import SweepJob
from mechamap.wording.amounts import duration
from mechamap.wording.plain import printable

__all__ = ["ScanProgress", "SweepProgress"]


class SweepProgress:
    """Listens to a sweep: tells its events as JSON on stdout where that was asked for, and in words on stderr.

    Attributes:
        current: the label of the model whose turn it is; empty between two.
        runs: the complete runs, by label.
        troubles: what went wrong, a line each, by label.
        broken_off: the label and the run's folder of the model at which the sweep was stopped, if it had begun.
    """

    def __init__(
        self,
        jobs: Sequence[SweepJob],
        options: ScanOptions,
        narration: Narration,
        export: Callable[[SweepJob, Run], None],
    ) -> None:
        self._options, self._narration, self._export = options, narration, export
        self._jobs = {job.label: job for job in jobs}
        self._scan = ScanProgress(narration)
        self.current = ""
        self.runs: dict[str, Run] = {}
        self.troubles: dict[str, str] = {}
        self.broken_off: tuple[str, Path] | None = None

    @property
    def run(self) -> Path | None:
        """The folder of the run that is being written; None where there is none yet."""
        return self._scan.run

    def __call__(self, event: ScanEvent) -> None:
        if isinstance(event, ModelStarted):
            self.current = event.model
        if self._options.events:
            of = {"model": self.current} if self.current else {}
            write_data(json.dumps({**event.to_dict(), **of}, allow_nan=False) + "\n")
        if isinstance(event, ModelStarted):
            self._started(event)
        elif isinstance(event, ModelFinished):
            self._finished(event)
        else:
            self._scan(event)

    def _started(self, event: ModelStarted) -> None:
        self._scan = ScanProgress(self._narration)
        job = self._jobs[event.model]
        called = "" if event.model == job.model else f", called {event.model}"
        self._narration.say(f"Model {event.number} of {event.total}: {printable(job.model)}{called}")
        warn(job.source, job.config, self._options, self._narration)

    def _finished(self, event: ModelFinished) -> None:
        self._narration.clear()
        if event.state == "failed":
            self._failed(event.model, error_named(event.kind, event.message, event.hint))
            if event.run is not None:
                self._narration.say(f"  What was finished is kept in {event.run}")
        elif event.state == "cancelled":
            self.broken_off = (event.model, event.run) if event.run is not None else None
        elif event.run is not None:
            run = self.runs[event.model] = Run.open(event.run)
            self._tell(run, kept=event.state == "kept")
            try:
                self._export(self._jobs[event.model], run)
            except MechaMapError as error:
                self._failed(event.model, error)
        self._narration.say()
        self.current = ""
        self._scan = ScanProgress(self._narration)

    def _failed(self, label: str, error: MechaMapError) -> None:
        self.troubles[label] = printable(f"{error.title}: {error.message.splitlines()[0]}")
        self._narration.error(f"error: {error.title}", error)

    def _tell(self, run: Run, *, kept: bool) -> None:
        for remark in remark_lines(run.record):
            self._narration.say(remark)
        if kept:
            self._narration.say(f"{run.neurons:,} neurons were scored before, kept in {run.path}")
            return
        took = run.record.timings.get("total")
        seconds = f" in {duration(took)}" if took else ""
        self._narration.say(f"{run.neurons:,} neurons scored{seconds}, kept in {run.path}")


_VERBS = {
    Stage.CORPUS: "counting the documents of the corpus",
    Stage.RESOLVE: "looking for the model",
    Stage.LOAD: "loading",
    Stage.PROVE: "proving that the hooks see the neurons",
    Stage.TOKENIZE: "tokenizing",
    Stage.PASS: "scanning",
    Stage.WRITE: "writing",
    Stage.SECOND_TEXT: "second text",
    Stage.CARRIERS: "confirming",
    Stage.GRADIENTS: "estimating causes",
}
_LIVE_SECONDS, _LINE_SECONDS = 0.1, 5.0


class ScanProgress:
    """Listens to a scan's events: one line that is updated on a terminal, a line now and then elsewhere."""

    def __init__(self, narration: Narration) -> None:
        self._narration = narration
        self._neurons = 0
        self._began = 0.0
        self._told = 0.0
        self._stage_told: Stage | None = None
        self._stage_told_at = 0.0
        self._passing = _VERBS[Stage.PASS]
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
            case CorpusProgress():
                self._corpus(event)
            case ScanFinished():
                self._narration.clear()

    def _stage(self, event: StageEntered) -> None:
        if event.stage is Stage.CARRIERS:
            self._passing = _VERBS[Stage.CARRIERS]  # the next pass is that over the carrier sentences
        verb = self._passing if event.stage is Stage.PASS else _VERBS.get(event.stage, event.stage)
        text = verb + (f": {event.detail}" if event.detail else "")
        if self._narration.live:
            self._narration.progress(text)
            return
        now = time.monotonic()
        if event.stage is self._stage_told and now - self._stage_told_at < _LINE_SECONDS:
            return  # the next part of the same stage
        self._stage_told, self._stage_told_at = event.stage, now
        self._narration.say(text)

    def _corpus(self, event: CorpusProgress) -> None:
        now = time.monotonic()
        if now - self._told < (_LIVE_SECONDS if self._narration.live else _LINE_SECONDS):
            return
        self._told = now
        of = f" of about {event.expected:,}" if event.expected is not None else ""
        shards = f", {event.done:,} of {event.shards:,} shards" if event.shards is not None else ""
        text = f"{self._passing}: {event.tokens:,}{of} tokens{shards}"
        if event.tokens_per_second:
            text += f", {event.tokens_per_second:,.0f} a second"
            if event.expected is not None:
                text += f", {duration((event.expected - event.tokens) / event.tokens_per_second)} left"
        if self._narration.live:
            self._narration.progress(text)
        else:
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
