"""Changes that another process makes to a run that is open here."""

from __future__ import annotations

from dataclasses import replace
from enum import Enum, auto

from mechamap.errors import MechaMapError
from mechamap.runs.figure_names import LATER_FIGURES
from mechamap.runs.run import Run

__all__ = ["RunChange", "read_again"]


class RunChange(Enum):
    """What happened to a run's folder since it was last read."""

    NONE = auto()
    ADDED_TO = auto()
    REPLACED = auto()


def read_again(run: Run) -> RunChange:
    """Read a run again if its folder has changed, unless another scan has replaced it."""
    before = run.record
    try:
        news = run.refresh()
    except MechaMapError:  # being replaced, or removed: keep what was read
        return RunChange.NONE
    goes_on = before.corpus is not None and run.record.corpus is not None and run.record.neurons == before.neurons
    if before.state != "running" and run.record.created != before.created and not goes_on:
        # Its rows are different neurons now.
        run.record = replace(before, figures=tuple(name for name in before.figures if name not in LATER_FIGURES))
        return RunChange.REPLACED
    return RunChange.ADDED_TO if news else RunChange.NONE
