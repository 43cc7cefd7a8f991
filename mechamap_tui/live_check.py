"""A check of a run under way, as the explorer follows it: what was asked, of which run, and how far it is."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mechamap.errors import UnsupportedModel, UsageError
from mechamap.run import Run
from mechamap_tui.engine_values import Progress

if TYPE_CHECKING:
    from mechamap_tui.engine_process import EngineCall

__all__ = ["ABLATE", "CAUSES", "CONFIRM", "MATCH", "LiveCheck", "busy_with", "refuse_unless_checkable"]

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


def busy_with(app: object) -> str:
    """What the engine is busy with, as the beginning of a sentence; empty: a question is answered at once."""
    if getattr(app, "live", None) is not None:
        return "The scan"
    check = getattr(app, "checking", None)
    return check.title if isinstance(check, LiveCheck) else ""


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
    if run.record.source == "csv" or run.path is None or run.path.is_file():
        raise UsageError(
            f"{run.name} was read from a CSV, which has no model and no text behind it.",
            "Scan the model (n), then check that run.",
        )
    if not run.has_context:
        raise UsageError(f"{run.name} does not hold the text it was made from.", "Scan the model again (n).")
    if run.record.state == "running":
        raise UsageError(
            f"{run.name} is still being scanned, or its scan was broken off.",
            "Wait until it is complete; `mechamap scan ... --resume` goes on with one that was broken off.",
        )
