"""How far a scan is, on one line."""

from __future__ import annotations

from rich.text import Text
from textual.app import RenderResult
from textual.reactive import reactive
from textual.widgets import Static

from mechamap_tui.engine_values import Progress
from mechamap_tui.terminal_text import clean

__all__ = ["ScanProgress", "bytes_text", "duration_text", "stage_text"]

_STAGES = {
    "resolve": "finding the model",
    "load": "loading",
    "prove": "proving the hooks",
    "tokenize": "reading the text",
    "pass": "scanning",
    "write": "writing",
}


class ScanProgress(Static):
    """``● scanning 7/30  2.1 s left`` while a scan runs; takes no room otherwise."""

    DEFAULT_CSS = """
    ScanProgress {
        width: auto; height: 1; color: $text-accent;
        &.-idle { display: none; }
    }
    """

    progress: reactive[Progress | None] = reactive(None, layout=True)

    def on_mount(self) -> None:
        live = getattr(self.app, "live", None)
        self.progress = live.progress if live is not None else None
        self.set_class(self.progress is None, "-idle")

    def watch_progress(self, progress: Progress | None) -> None:
        self.set_class(progress is None, "-idle")

    def render(self) -> RenderResult:
        return Text(progress_line(self.progress) if self.progress else "", no_wrap=True)


def progress_line(progress: Progress) -> str:
    """The whole story in some thirty characters."""
    if progress.stage == "pass" and progress.layers_total:
        line = f"● scanning {progress.layers_done}/{progress.layers_total}"
        return line + (f"  {duration_text(progress.eta)} left" if progress.eta is not None else "")
    return f"● {stage_text(progress)}  {duration_text(progress.elapsed)}"


def stage_text(progress: Progress) -> str:
    """What is being done, in words."""
    if progress.stage == "load" and progress.detail:
        return clean(progress.detail)
    return _STAGES.get(progress.stage, clean(progress.stage) or "starting")


def duration_text(seconds: float) -> str:
    """``2.1 s``, ``3 min 12 s``, ``2 h 05 min``."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02} min"


def bytes_text(count: int) -> str:
    """``812 MB``, ``3.4 GB``."""
    if count < 1_000_000_000:
        return f"{count / 1e6:,.0f} MB"
    return f"{count / 1e9:,.1f} GB"
