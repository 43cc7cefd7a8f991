"""The progress of a scan, or of a check after it, on one line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text
from textual.app import RenderResult
from textual.reactive import reactive
from textual.widgets import Static

from mechamap.events import Stage
from mechamap.wording.amounts import coarse_count, duration, quantity
from mechamap_tui.explorer import explorer_of, follow_jobs
from mechamap_tui.terminal.terminal_text import clean

if TYPE_CHECKING:
    from mechamap.protocol.messages import Progress
    from mechamap_tui.jobs.job import AnyJob, JobChanged

__all__ = ["ScanProgress", "progress_line", "rate_text", "shards_text", "stage_text"]


SCANNING = "scanning"
_STAGES: dict[str, str] = {
    Stage.CORPUS: "reading the corpus once",
    Stage.RESOLVE: "finding the model",
    Stage.LOAD: "loading",
    Stage.PROVE: "proving the hooks",
    Stage.TOKENIZE: "reading the text",
    Stage.PASS: "scanning",
    Stage.WRITE: "writing",
    Stage.RANDOMIZE: "making the model random",
}


class ScanProgress(Static):
    """``● scanning 7/30  2.1 s left`` while a scan or a check runs; takes no room otherwise."""

    DEFAULT_CSS = """
    ScanProgress {
        width: auto; height: 1; color: $text-accent;
        &.-idle { display: none; }
    }
    """

    line: reactive[str] = reactive("", layout=True)

    def on_mount(self) -> None:
        follow_jobs(self, self._job_changed)
        self.show(explorer_of(self).job)

    def _job_changed(self, change: JobChanged) -> None:
        self.show(None if change.job.ended else change.job)

    def show(self, job: AnyJob | None) -> None:
        """Show a job's progress; None: no job is running."""
        self.line = progress_line(job.progress, job.doing) if job is not None else ""

    def watch_line(self, line: str) -> None:
        self.set_class(not line, "-idle")

    def render(self) -> RenderResult:
        return Text(self.line, no_wrap=True)


def progress_line(progress: Progress, doing: str = SCANNING) -> str:
    """The progress in some thirty characters."""
    if progress.stage == Stage.PASS and progress.tokens:
        return f"● {doing} {shards_text(progress)}{coarse_count(progress.tokens)} tokens, {rate_text(progress)}"
    if progress.stage == Stage.PASS and progress.layers_total:
        line = f"● {doing} {progress.layers_done}/{progress.layers_total}"
        # Where the neurons were not counted beforehand, the time left is unknown.
        known = progress.eta is not None and progress.eta >= 0
        return line + (f"  {duration(progress.eta or 0.0, padded=True)} left" if known else "")
    if doing == SCANNING:
        return f"● {stage_text(progress)}  {duration(progress.elapsed, padded=True)}"
    stage = "" if progress.stage == Stage.PASS else f": {stage_text(progress)}"
    return f"● {doing}{stage}  {duration(progress.elapsed, padded=True)}"


def shards_text(progress: Progress) -> str:
    """``3/17 shards, `` of a scan over a corpus; empty before the first is done."""
    if not progress.shards_done:
        return ""
    if progress.shards_total is None:
        return f"{quantity(progress.shards_done, 'shard')}, "
    return f"{progress.shards_done:,}/{progress.shards_total:,} shards, "


def rate_text(progress: Progress) -> str:
    """How fast a corpus is read."""
    return f"{coarse_count(round(progress.tokens_rate))}/s"


def stage_text(progress: Progress) -> str:
    """What is being done, in words."""
    stage, detail = progress.stage, clean(progress.detail)
    if stage == Stage.LOAD and detail:
        return detail
    if stage == Stage.CARRIERS:
        return f"building {detail or 'sentences'}"
    return _STAGES.get(stage) or detail or clean(stage) or "starting"
