"""What is told while the models of a sweep are scanned, and how each of them ended."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from mechamap.commands.narration import Narration, duration, printable, put
from mechamap.commands.plan_report import warn
from mechamap.commands.scan_progress import ScanProgress
from mechamap.errors import MechaMapError, error_named
from mechamap.events import ModelFinished, ModelStarted, ScanEvent
from mechamap.run import Run
from mechamap.sweep_config import SweepJob

__all__ = ["SweepProgress"]


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
        args: argparse.Namespace,
        jobs: Sequence[SweepJob],
        narration: Narration,
        export: Callable[[SweepJob, Run], None],
    ) -> None:
        self._args, self._narration, self._export = args, narration, export
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
        if self._args.events:
            of = {"model": self.current} if self.current else {}
            put(json.dumps({**event.to_dict(), **of}, allow_nan=False))
            sys.stdout.flush()
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
        warn(self._args, job.model, job.config, self._narration)

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
        self._narration.say(f"error: {error.title}")
        for line in str(error).splitlines():
            self._narration.say(f"  {printable(line)}")

    def _tell(self, run: Run, *, kept: bool) -> None:
        for note in run.record.problems:
            self._narration.say(f"note: {printable(note)}")
        for figure, reason in run.record.undefined.items():
            self._narration.say(f"{figure} is empty: {printable(reason)}")
        if kept:
            self._narration.say(f"{run.neurons:,} neurons were scored before, kept in {run.path}")
            return
        took = run.record.timings.get("total")
        seconds = f" in {duration(took)}" if took else ""
        self._narration.say(f"{run.neurons:,} neurons scored{seconds}, kept in {run.path}")
