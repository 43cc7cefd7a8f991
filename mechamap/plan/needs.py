"""What a scan needs of this machine, over a text or a corpus."""

from __future__ import annotations

from mechamap.plan.corpus.disk import corpus_run_size
from mechamap.plan.corpus.memory import corpus_memory_needs
from mechamap.plan.disk_need import text_run_size
from mechamap.plan.memory_need import text_memory_needs
from mechamap.plan.second_text import with_second_text
from mechamap.plan.situation import PlanInputs
from mechamap.protocol.planned import PlannedMemory, PlannedRun

__all__ = ["memory_needs", "run_size"]


def memory_needs(inputs: PlanInputs) -> tuple[PlannedMemory, ...]:
    """The memory that is needed, the device that computes first."""
    return text_memory_needs(inputs) if inputs.config.corpus is None else corpus_memory_needs(inputs)


def run_size(inputs: PlanInputs) -> PlannedRun:
    """The size of the run on disk."""
    run = text_run_size(inputs) if inputs.config.corpus is None else corpus_run_size(inputs)
    return with_second_text(inputs, run)
