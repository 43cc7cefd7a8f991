"""A job of the engine under way, as the explorer follows it: what was asked, of which run, and how far it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mechamap.errors import RunError, UnsupportedModel, UsageError
from mechamap.protocol.messages import Progress, ScanResult
from mechamap.runs.run import Run
from mechamap_tui.engine.process import EngineCall
from mechamap_tui.jobs.draft import ScanDraft

if TYPE_CHECKING:
    from mechamap_tui.explorer import Explorer

__all__ = ["ABLATE", "CAUSES", "CONFIRM", "MATCH", "LiveCheck", "LiveScan", "busy_with", "refuse_unless_checkable"]


CONFIRM, CAUSES, ABLATE, MATCH = "confirm", "causes", "ablate", "match"


@dataclass(eq=False, slots=True)
class LiveCheck:
    """``kind`` is confirm, causes, ablate or match; ablate is about one ``neuron``, match about an ``other`` run."""

    kind: str
    run: Run
    neuron: str = ""
    other: Run | None = None
    call: EngineCall[Any] | None = None
    progress: Progress = field(default_factory=lambda: Progress("start"))
    cancelling: bool = False

    @property
    def doing(self) -> str:
        """What is being done, for the progress line."""
        if self.cancelling:
            return "stopping"
        what = {CONFIRM: "confirming", CAUSES: "estimating causes", MATCH: "matching"}
        return what.get(self.kind, f"ablating {self.neuron}")

    @property
    def paths(self) -> list[Path]:
        """Where the runs are that it is about."""
        return [run.path for run in (self.run, self.other) if run is not None and run.path is not None]

    @property
    def title(self) -> str:
        """The same as the beginning of a sentence."""
        if self.other is not None:
            return f"The search for closest neurons of {self.run.name} and {self.other.name}"
        what = {CONFIRM: "The confirmation", CAUSES: "The estimate of causes"}
        return f"{what.get(self.kind, f'The ablation of {self.neuron}')} of {self.run.name}"


def busy_with(explorer: Explorer) -> str:
    """What the engine is busy with, as the beginning of a sentence; empty: a question is answered at once."""
    if explorer.live is not None:
        return "The scan"
    return explorer.checking.title if explorer.checking is not None else ""


def refuse_unless_checkable(run: Run, kind: str = CONFIRM) -> None:
    """Only a run in a folder, with a text and all its layers, can be asked more than it knows; and only what can mean
    something for its model.

    Raises:
        UsageError: says what is in the way and what to do.
        UnsupportedModel: says why there can be no causes.
    """
    if kind != CONFIRM and (reason := run.record.undefined.get("cause")):
        raise UnsupportedModel(
            f"What neurons of {run.label} cause is not defined. {reason}", "What they read can be confirmed (V)."
        )
    if reason := run.why_not_rerun():
        raise UsageError(reason, "Scan the model (n), then check that run.")
    if run.record.state == "running":
        raise UsageError(
            f"{run.name} is still being scanned, or its scan was broken off.",
            "Wait until it is complete; `mechamap scan ... --resume` goes on with one that was broken off.",
        )


@dataclass(eq=False, slots=True)
class LiveScan:
    """One scan and the run it writes, which can be opened as soon as its first layers are complete."""

    model: str
    draft: ScanDraft
    changes: Mapping[str, object] = field(default_factory=dict)
    config_file: Path | None = None
    call: EngineCall[ScanResult] | None = None
    progress: Progress = field(default_factory=lambda: Progress("start"))
    run: Run | None = None
    cancelling: bool = False
    _layers_seen: int = -1

    def follow(self, progress: Progress) -> bool:
        """Take a progress report; True if the run has new layers to show."""
        self.progress = progress
        if progress.run is None or progress.layers_done == self._layers_seen:
            return False
        if not self.look(progress.run):
            return False
        # The writer commits layers together, so those just counted may come with a later look.
        assert self.run is not None
        if len(self.run.complete_layers) >= progress.layers_done:
            self._layers_seen = progress.layers_done
        return True

    def look(self, folder: Path) -> bool:
        """Open the run, or read it again; True if anything is new. Not there yet is no error."""
        try:
            if self.run is None:
                self.run = Run.open(folder)
                return True
            return self.run.refresh()
        except RunError:
            return False

    @property
    def run_path(self) -> Path | None:
        return self.run.path if self.run is not None else None

    @property
    def can_be_browsed(self) -> bool:
        return self.run is not None and bool(self.run.complete_layers)
