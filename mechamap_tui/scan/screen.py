"""A scan before its first layers are ready: its stage, its speed, its memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from rich.table import Table
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import Screen
from textual.widgets import Footer, Static

from mechamap.events import Stage
from mechamap.wording.amounts import coarse_size, duration
from mechamap_tui.explorer import explorer_of, follow_jobs
from mechamap_tui.jobs.job import JobChanged
from mechamap_tui.jobs.scan import ScanJob
from mechamap_tui.terminal.terminal_text import clean
from mechamap_tui.widgets.progress import stage_text

if TYPE_CHECKING:
    from mechamap.protocol.messages import Progress

__all__ = ["ScanScreen"]


BAR = 40  # cells


class ScanScreen(Screen[None]):
    """Follows a scan until there is something to browse; the scan goes on if the screen is left."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("x", "app.cancel_scan", "cancel scan"),
        Binding("q,escape", "app.back", "leave it running"),
        Binding("question_mark,f1", "app.help_here", "help"),
    ]

    def __init__(self, job: ScanJob) -> None:
        super().__init__()
        self.job = job

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = f"Scanning {clean(self.job.model)}"
            yield Static(id="progress")
            yield Static(id="bar")
            yield Static(Text("Its neurons are shown as soon as there are figures of some."), classes="note")
        yield Footer(show_command_palette=False, compact=True)

    def on_mount(self) -> None:
        follow_jobs(self, self._job_changed)
        self.show()

    def _job_changed(self, change: JobChanged) -> None:
        if change.job is self.job:
            self.show()

    def show(self) -> None:
        """Draw the scan's progress."""
        progress = self.job.progress
        table = Table.grid(padding=(0, 2))
        for label, value in facts(progress, self.job.cancelling):
            table.add_row(Text(label, "dim"), Text(value, no_wrap=True, overflow="ellipsis"))
        self.query_one("#progress", Static).update(table)
        self.query_one("#bar", Static).update(Text(bar(progress)))

    def give_way(self) -> None:
        """Let the run, or the form to try again with, take this place; once this screen is on top."""
        job = self.job
        if self.app.screen is not self:
            return
        if job.run is not None and job.can_be_browsed:
            explorer_of(self).open_run(job.run)
        elif job.ended:
            explorer_of(self).open_form(job.draft)

    def on_screen_resume(self) -> None:
        self.give_way()


def facts(progress: Progress, cancelling: bool = False) -> list[tuple[str, str]]:
    """What is known about the scan, as (label, value) pairs."""
    over_corpus = progress.over_corpus
    stage = f"stopping after this {'batch' if over_corpus else 'layer'}" if cancelling else stage_text(progress)
    if progress.detail and progress.stage not in (Stage.LOAD, Stage.PASS) and not cancelling:
        stage += f" · {clean(progress.detail)}"
    layers = f"{progress.layers_done} of {progress.layers_total}" if progress.layers_total else "—"
    neurons = f"{progress.neurons_done:,} of {progress.neurons_total:,}" if progress.neurons_total else "—"
    memory = coarse_size(progress.memory) if progress.memory else "—"
    if progress.gpu_memory:
        memory += f" · GPU {coarse_size(progress.gpu_memory)}"
    read = [("layers", layers), ("neurons", neurons)]
    rate = f"{progress.rate:,.0f} neurons/s" if progress.rate else "—"
    if over_corpus:
        shards = f"{progress.shards_done:,}"
        shards += f" of {progress.shards_total:,}" if progress.shards_total is not None else ""
        tokens = f"{progress.tokens:,}"
        tokens += f" of about {progress.tokens_total:,}" if progress.tokens_total is not None else ""
        read = [("shards", shards), ("tokens", tokens)]
        rate = f"{progress.tokens_rate:,.0f} tokens/s" if progress.tokens_rate else "—"
    return [
        ("stage", stage),
        *read,
        ("rate", rate),
        ("time", duration(progress.elapsed, padded=True)),
        ("time left", duration(progress.eta, padded=True) if progress.eta is not None else "—"),
        ("memory", memory),
    ]


def bar(progress: Progress) -> str:
    done = progress.neurons_done / progress.neurons_total if progress.neurons_total else 0.0
    if progress.tokens_total:
        done = progress.tokens / progress.tokens_total
    filled = round(done * BAR)
    return "━" * filled + "╌" * (BAR - filled) + f"  {done:.0%}"
