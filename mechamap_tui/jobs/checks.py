"""The checks of a finished run: its findings confirmed, its causes estimated, or those of one neuron measured."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from mechamap.errors import MechaMapError, UnsupportedModel, UsageError
from mechamap.protocol.messages import Ablation, Ablations, CausesEstimated, Confirmed, Progress
from mechamap.runs.run import Run
from mechamap.wording.advice import RESUME, Action, Advice
from mechamap_tui.jobs.job import Job

if TYPE_CHECKING:
    from pathlib import Path

    from mechamap_tui.engine.client import EngineClient
    from mechamap_tui.engine.process import EngineCall

__all__ = ["AblationJob", "CausesJob", "CheckJob", "ConfirmJob"]

Answer = TypeVar("Answer")


class CheckJob(Job[Answer]):
    """Checks a run; the results are added to it."""

    def __init__(self, run: Run) -> None:
        super().__init__((run,))
        self.run = run

    @property
    def folder(self) -> Path:
        """Where the run is: one without a folder is refused."""
        assert self.run.path is not None
        return self.run.path

    def refuse_unless_possible(self) -> None:
        """Refuse a run that has no model, or lacks layers.

        Raises:
            UsageError: says what is in the way and what to do.
        """
        run = self.run
        if reason := run.why_no_model():
            raise UsageError(reason, "Scan the model (n), then check that run.")
        if run.record.state == "running":
            raise UsageError(
                f"{run.name} is still being scanned, or its scan was interrupted.",
                Advice.of("Wait until it is complete; {} continues one that was interrupted.", RESUME),
            )

    def end(self, answer: Answer | None, error: MechaMapError | None) -> None:
        super().end(answer, error)
        try:
            self.run.refresh()
        except MechaMapError as problem:  # removed meanwhile
            self.error = error or problem


class ConfirmJob(CheckJob[Confirmed]):
    """Checks a run's findings on held-out words.

    Args:
        randomize: ways to make the model random for further searches; a run that is confirmed already is not confirmed
            again then.
    """

    def __init__(self, run: Run, randomize: tuple[str, ...] = ()) -> None:
        super().__init__(run)
        self.randomize = randomize

    @property
    def refused(self) -> bool:
        """Whether the run cannot be confirmed."""
        try:
            self.refuse_unless_possible()
        except MechaMapError:
            return True
        return False

    @property
    def title(self) -> str:
        return f"The confirmation of {self.run.name}"

    @property
    def activity(self) -> str:
        return "confirming"

    def ask(self, engine: EngineClient, on_progress: Callable[[Progress], None]) -> EngineCall[Confirmed]:
        return engine.confirm(self.folder, randomize=self.randomize, on_progress=on_progress)


class CausalJob(CheckJob[Answer]):
    """A check of causes, which are not defined for some models."""

    def refuse_unless_possible(self) -> None:
        """Make sure that causes are defined for the run's model, and that the run can be checked over its text.

        Raises:
            UnsupportedModel: says why causes are not defined.
            UsageError: the run keeps no text.
        """
        if reason := self.run.record.undefined.get("cause"):
            raise UnsupportedModel(
                f"The causes of the neurons of {self.run.label} are not defined. {reason}",
                "What they read can still be confirmed (V).",
            )
        super().refuse_unless_possible()
        if reason := self.run.why_not_rerun():
            if self.run.record.corpus is None:
                raise UsageError(reason, "Scan the model (n), then check that run.")
            command = Action(f"ablate {shlex.quote(str(self.run.path))} --text FILE")
            advice = Advice.of("Ablate over a text: {}. What the neurons read can be confirmed here (V).", command)
            raise UsageError(reason, advice)


class CausesJob(CausalJob[CausesEstimated]):
    """Estimates each neuron's effect on each category."""

    @property
    def title(self) -> str:
        return f"The estimate of causes of {self.run.name}"

    @property
    def activity(self) -> str:
        return "estimating causes"

    def ask(self, engine: EngineClient, on_progress: Callable[[Progress], None]) -> EngineCall[CausesEstimated]:
        return engine.causes(self.folder, on_progress=on_progress)


class AblationJob(CausalJob[Ablations]):
    """Measures one neuron's effect on each category by ablation."""

    def __init__(self, run: Run, neuron: str) -> None:
        super().__init__(run)
        self.neuron = neuron

    @property
    def title(self) -> str:
        return f"The ablation of {self.neuron} of {self.run.name}"

    @property
    def activity(self) -> str:
        return f"ablating {self.neuron}"

    @property
    def measured(self) -> Ablation | None:
        """The neuron's ablation, where the run holds it already."""
        return self.run.record.causes.ablations.get(f"{self.neuron} zero")

    def ask(self, engine: EngineClient, on_progress: Callable[[Progress], None]) -> EngineCall[Ablations]:
        return engine.ablate(self.folder, [self.neuron], on_progress=on_progress)
