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

__all__ = ["ScanProgress", "progress_line", "shards_text", "stage_text"]


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
        self.line = progress_line(job.progress, job.doing, self.app.size.width // 2) if job is not None else ""

    def watch_line(self, line: str) -> None:
        self.set_class(not line, "-idle")

    def render(self) -> RenderResult:
        return Text(self.line, no_wrap=True)


def progress_line(progress: Progress, doing: str = SCANNING, room: int = 100) -> str:
    """The progress in some thirty characters; of a scan over a corpus more, where there is ``room``."""
    if progress.stage == Stage.PASS and progress.over_corpus:
        return _corpus_line(progress, doing, room)
    if progress.stage == Stage.PASS and progress.layers_total:
        line = f"● {doing} {progress.layers_done}/{progress.layers_total}"
        # Where the neurons were not counted beforehand, the time left is unknown.
        known = progress.eta is not None and progress.eta >= 0
        return line + (f"  {duration(progress.eta or 0.0, padded=True)} left" if known else "")
    if doing == SCANNING:
        return f"● {stage_text(progress)}  {duration(progress.elapsed, padded=True)}"
    stage = "" if progress.stage == Stage.PASS else f": {stage_text(progress)}"
    return f"● {doing}{stage}  {duration(progress.elapsed, padded=True)}"


def _corpus_line(progress: Progress, doing: str, room: int) -> str:
    """As many as fit of: tokens, how long it will take, shards, speed."""
    read = coarse_count(progress.tokens)
    of = f"/{coarse_count(progress.tokens_total)}" if progress.tokens_total is not None else ""
    left = f", {duration(progress.eta, padded=True)} left" if progress.eta is not None else ""
    shards = f", {shards_text(progress)}" if progress.shards_done or progress.shards_total else ""
    rate = f", {coarse_count(round(progress.tokens_rate))}/s" if progress.tokens_rate else ""
    lines = [
        f"● {doing} {read}{of} tokens{shards}{rate}{left}",
        f"● {doing} {read}{of} tokens{rate}{left}",
        f"● {doing} {read}{of} tokens{left}",
        f"● {read}{of} tokens{left}",
    ]
    return next((line for line in lines if len(line) <= room), f"● {read}{of}{left}")


def shards_text(progress: Progress) -> str:
    """``3/17 shards`` of a scan over a corpus that are on disk."""
    if progress.shards_total is None:
        return quantity(progress.shards_done, "shard")
    return f"{progress.shards_done:,}/{progress.shards_total:,} shards"


def stage_text(progress: Progress) -> str:
    """What is being done, in words."""
    stage, detail = progress.stage, clean(progress.detail)
    if stage == Stage.LOAD and detail:
        return detail
    if stage == Stage.CARRIERS:
        return f"building {detail or 'sentences'}"
    return _STAGES.get(stage) or detail or clean(stage) or "starting"
