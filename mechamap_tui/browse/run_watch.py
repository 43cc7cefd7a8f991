"""What follows the run that the browse screen shows: the explorer's jobs, and what another process adds to it."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum, auto

from textual.screen import Screen

from mechamap.errors import MechaMapError
from mechamap.runs.lock import has_writer
from mechamap.runs.run import Run
from mechamap_tui.explorer import explorer_of, follow_jobs
from mechamap_tui.jobs.job import JobChanged
from mechamap_tui.jobs.run_changes import RunChange, read_again

__all__ = ["Phase", "RunWatch"]


class Phase(Enum):
    """Whether a run is complete, who is scanning it, or that its scan was stopped."""

    COMPLETE = auto()
    SCANNED_HERE = auto()
    SCANNED_ELSEWHERE = auto()
    STOPPED = auto()


class RunWatch:
    """Reads a run again when a job or another process may have changed it.

    Args:
        screen: the one that shows the run.
        show_new: shows what is new in it.
    """

    def __init__(self, screen: Screen[None], run: Run, show_new: Callable[[], None]) -> None:
        self._screen, self._run, self._show_new = screen, run, show_new
        self._writer = False  # whether another process writes it

    def begin(self) -> None:
        """Begin to watch, once the screen is mounted."""
        follow_jobs(self._screen, self._job_changed)
        self._look_for_writer()
        self._screen.set_interval(1.0, self._look_at_run)

    @property
    def scanning(self) -> bool:
        """Whether the app is scanning this very run."""
        job = explorer_of(self._screen).job
        return job is not None and job.is_scan and self._run.path in job.paths

    @property
    def phase(self) -> Phase:
        """What is happening to the run."""
        if self._run.record.state == "complete":
            return Phase.COMPLETE
        if self.scanning:
            return Phase.SCANNED_HERE
        return Phase.SCANNED_ELSEWHERE if self._writer else Phase.STOPPED

    def _look_for_writer(self) -> bool:
        """Whether another process has begun or ended to write the run."""
        before, run = self._writer, self._run
        writes = run.record.state != "complete" and run.path is not None and has_writer(run.path)
        self._writer = writes and not self.scanning
        return self._writer != before

    def _look_at_run(self) -> None:
        """Show what another process has added to the run; the explorer's own scan reports its changes itself."""
        if not self._screen.is_current or self.scanning:
            return
        change = read_again(self._run)
        if self._look_for_writer() and change is RunChange.NONE:
            self._show_new()
        if change is RunChange.REPLACED:
            text = f"{self._run.name} was scanned again; reopen it to see the new run."
            self._screen.notify(text, severity="warning", markup=False)
        if change is not RunChange.NONE:
            self._show_new()

    def _job_changed(self, change: JobChanged) -> None:
        if not change.news:
            return
        job = change.job
        self._look_for_writer()
        if self._run.path in job.paths and self._run not in job.runs:  # opened a second time; the job reads its own
            try:
                self._run.refresh()
            except MechaMapError as error:  # removed meanwhile
                explorer_of(self._screen).show_error(error)
        self._show_new()
