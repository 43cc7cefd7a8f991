"""Whose neurons are asked: a model, and where there is one a run of it with what is usual for its neurons."""

from __future__ import annotations

from dataclasses import dataclass

from mechamap.config.scan_config import ScanConfig
from mechamap.errors import UsageError
from mechamap.models.loaded import LoadedModel
from mechamap.probe.prompt import Prompt, read_prompt
from mechamap.probe.reference import Reference
from mechamap.runs.run import Run

__all__ = ["RunSubject", "Subject"]


@dataclass(frozen=True, slots=True)
class Subject:
    """A model and how it reads.

    Attributes:
        loaded: the model.
        config: says whether a BOS stands in front of a text, and which positions count.
    """

    loaded: LoadedModel
    config: ScanConfig

    def read(self, text: str) -> Prompt:
        """A text in tokens, see :func:`mechamap.probe.prompt.read_prompt`."""
        return read_prompt(text, self.loaded, self.config)

    def of_run(self) -> RunSubject:
        """The same with its run.

        Raises:
            UsageError: there is none.
        """
        raise UsageError("What is unusual for a neuron is told by a run of the model.", "Scan the model, name the run.")


@dataclass(frozen=True, slots=True)
class RunSubject(Subject):
    """A model with a run of it.

    Attributes:
        run: of the model.
        reference: what is usual for the run's neurons.
    """

    run: Run
    reference: Reference

    def of_run(self) -> RunSubject:
        return self
