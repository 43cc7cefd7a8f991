"""The first line of the browse screen: which run this is, or, where only one pane fits, the names of the panes."""

from __future__ import annotations

from collections.abc import Callable

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.style import Style
from textual.widgets import Static

from mechamap.runs.corpus.words import corpus_in_short, corpus_so_far, shards_text
from mechamap.runs.run import Run
from mechamap.wording.amounts import coarse_count, quantity
from mechamap_tui.browse.run_watch import Phase
from mechamap_tui.data.layer_counts import flagged_layers, remedy
from mechamap_tui.terminal.terminal_text import clean
from mechamap_tui.widgets.glyphs import JOINT
from mechamap_tui.widgets.progress import ScanProgress

__all__ = ["PANES", "PaneLine", "RunHeader", "policy"]


_WARNINGS = ("flags", "remedy")
_STATES = {Phase.SCANNED_HERE: "", Phase.SCANNED_ELSEWHERE: "another process is scanning"}


def policy(run: Run) -> str:
    """Which positions are left out of the scores, in three words."""
    exclusions = run.record.exclusions
    if exclusions is None:
        return ""
    parts = (("sinks", exclusions.exclude_first_position), ("specials", exclusions.exclude_special_tokens))
    out = [name for name, excluded in parts if excluded]
    return f"{' and '.join(out)} out" if out else "all positions scored"


def _words_not_found(run: Run) -> int:
    return sum(len(report.not_found) for report in run.record.coverage.values())


def _stopped(run: Run) -> str:
    """``cancelled after 3 of 17 shards (R resumes)``."""
    state = "unfinished" if run.record.state == "running" else run.record.state
    corpus = run.record.corpus
    after = f" after {shards_text(corpus)}" if corpus is not None else ""
    return f"{state}{after} (R resumes)"


class _RunLine(Static):
    """Asks to be rewritten when its width changes: the progress beside it comes and goes."""

    def __init__(self, resized: Callable[[], None]) -> None:
        super().__init__(classes="header--run")
        self._resized = resized

    def on_resize(self) -> None:
        self._resized()


class RunHeader(Horizontal):
    """MechaMap, model, run, dtype, neurons and policy; what matters least is dropped where it does not fit."""

    DEFAULT_CSS = """
    RunHeader {
        height: 1; background: $panel; padding: 0 1;
        & > .header--run { width: 1fr; height: 1; text-wrap: nowrap; text-overflow: ellipsis; }
        & > ScanProgress { width: auto; height: 1; margin: 0 0 0 2; }
    }
    """

    def __init__(self, run: Run) -> None:
        super().__init__()
        self.run = run
        self._phase = Phase.COMPLETE

    def compose(self) -> ComposeResult:
        yield _RunLine(self.show)
        yield ScanProgress()

    def show(self, phase: Phase | None = None) -> None:
        """Write the line for the current width, and what is happening to the run."""
        if phase is not None:
            self._phase = phase
        if not self.is_mounted:
            return  # the line will ask for it
        shown = self.query_one(_RunLine)
        parts, corpus = self._parts(), self.run.record.corpus
        width = shown.size.width or self.size.width
        for dispensable in ("dtype", "neurons", "run", "policy", "corpus", "remedy"):
            if len(JOINT.join(parts.values())) + 10 > width:
                parts.pop(dispensable, None)
        if len(JOINT.join(parts.values())) + 10 > width and "so far" in parts and corpus is not None:
            parts["so far"] = f"{coarse_count(corpus.tokens)} tokens so far"
        pieces = [Content.styled(part, "$text-warning" if name in _WARNINGS else "") for name, part in parts.items()]
        shown.update(Content.styled("MechaMap  ", "bold") + Content(JOINT).join(pieces))

    def _parts(self) -> dict[str, str]:
        run = self.run
        corpus = run.record.corpus
        state = "" if run.record.state == "complete" else _STATES.get(self._phase, _stopped(run))
        flagged = flagged_layers(run)
        # A flagged layer is also among the problems.
        problems = max(len(run.record.problems), sum(bool(layer.flags) for layer in run.layers)) + _words_not_found(run)
        parts = {
            "model": run.label,
            "run": run.name if run.name != run.label else "",
            "state": state,
            "so far": corpus_so_far(corpus) if corpus is not None and run.record.state != "complete" else "",
            "flags": flagged,
            "remedy": remedy(run) if flagged else "",
            "problems": f"{quantity(problems, 'warning')} (i)" if problems else "",
            "dtype": JOINT.join(filter(None, (run.record.model.dtype, run.record.model.packing))),
            "neurons": f"{run.neurons:,} neurons",
            "corpus": corpus_in_short(corpus) if corpus is not None and run.record.state == "complete" else "",
            "policy": policy(run),
        }
        return {name: clean(part) for name, part in parts.items() if part}


PANES = ("layers", "neurons", "detail", "categories")


class PaneLine(Static):
    """``1 layers  2 neurons  3 detail  4 categories``, the one on the screen marked."""

    ALLOW_SELECT = False

    DEFAULT_CSS = """
    PaneLine { height: 1; padding: 0 1; }
    """

    def show(self, pane: str) -> None:
        parts: list[tuple[str, Style]] = []
        for number, name in enumerate(PANES, start=1):
            style = Style.from_meta({"@click": f"screen.pane({number})"})
            style += Style(bold=True, reverse=True) if name == pane else Style()
            parts += [(f" {number} {name} ", style), (" ", Style())]
        self.update(Content.assemble(*parts))
