"""A scan under way, and the run it writes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from mechamap.config.scan_config import config_to_dict
from mechamap.errors import MechaMapError, RunError, UsageError
from mechamap.events import Stage
from mechamap.protocol.messages import Progress, ScanResult
from mechamap.runs.lock import has_writer
from mechamap.runs.run import Run
from mechamap_tui.jobs.draft import ScanDraft
from mechamap_tui.jobs.job import Job

if TYPE_CHECKING:
    from mechamap_tui.engine.client import EngineClient
    from mechamap_tui.engine.process import EngineCall

__all__ = ["ResumeJob", "ScanJob", "can_be_resumed"]


class ScanJob(Job[ScanResult]):
    """Scans a model; the run can be opened as soon as its first layers are complete.

    Args:
        model: what to scan.
        changes: config keys that differ from the config file's.
        draft: the form that this was filled in with, to come back to when it fails.
    """

    is_scan = True

    def __init__(self, model: str, changes: Mapping[str, object] | None = None, draft: ScanDraft | None = None) -> None:
        super().__init__()
        self.model = model
        self.draft = draft or ScanDraft(model=model)
        self._changes = changes or {}
        self._layers_seen = -1

    @property
    def title(self) -> str:
        if self._reads_second_text:
            return f"The reading of a second text with {self.model}"
        return f"The scan of {self.model}"

    @property
    def kept(self) -> str:
        if self._reads_second_text:
            return "the scan is complete and stays"
        return "finished shards are kept" if self.progress.over_corpus else "finished layers are kept"

    @property
    def activity(self) -> str:
        return "scanning"

    @property
    def _reads_second_text(self) -> bool:
        return self.progress.stage == Stage.SECOND_TEXT

    @property
    def run(self) -> Run | None:
        """The run that it writes."""
        return self.runs[0] if self.runs else None

    @property
    def can_be_browsed(self) -> bool:
        return self.run is not None and bool(self.run.complete_layers)

    def ask(self, engine: EngineClient, on_progress: Callable[[Progress], None]) -> EngineCall[ScanResult]:
        return engine.scan(self.model, self._changes, config_file=self.draft.config_file, on_progress=on_progress)

    def follow(self, progress: Progress) -> bool:
        super().follow(progress)
        if progress.run is None:
            return False
        if progress.over_corpus:  # its run is published anew now and then
            return self._look(progress.run)
        if progress.layers_done == self._layers_seen:
            return False
        if not self._look(progress.run):
            return False
        # The writer commits layers together, so those just counted may show up a little later.
        if self.run is not None and len(self.run.complete_layers) >= progress.layers_done:
            self._layers_seen = progress.layers_done
        return True

    def end(self, answer: ScanResult | None, error: MechaMapError | None) -> None:
        super().end(answer, error)
        for folder in [answer.run] if answer is not None else self.paths:
            self._look(folder)

    def _look(self, folder: Path) -> bool:
        """Open the run, or read it again; True if anything is new. A run that does not exist yet is not an error."""
        try:
            if self.run is not None:
                return self.run.refresh()
            self.runs = (Run.open(folder),)
        except RunError:
            return False
        return True


class ResumeJob(ScanJob):
    """Goes on with a run whose scan was stopped, with the settings that it has; what is complete stays as it is.

    Args:
        run: as it is open, on the screen too.
    """

    def __init__(self, run: Run) -> None:
        super().__init__(run.record.model.name)
        self.runs = (run,)

    def refuse_unless_possible(self) -> None:
        for run in self.runs:
            if not can_be_resumed(run):
                raise UsageError(f"{run.name} is complete.", "Scan the model again with other settings (n).")
            if run.path is not None and has_writer(run.path):
                raise UsageError(f"Another process is scanning {run.name}.", "It is shown as it grows.")

    def ask(self, engine: EngineClient, on_progress: Callable[[Progress], None]) -> EngineCall[ScanResult]:
        (run,) = self.runs
        return engine.scan(self.model, config_to_dict(run.config), out=run.path, resume=True, on_progress=on_progress)


def can_be_resumed(run: Run) -> bool:
    """Whether a run's scan was stopped before its end, or is still going on."""
    return run.record.state != "complete" and run.path is not None and not run.is_csv and run.record.config is not None
