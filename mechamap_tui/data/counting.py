"""What neurons are to be counted by, and which of them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from mechamap.replay.view import View

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from mechamap.runs.run import Run
    from mechamap.tables.table import Report

__all__ = ["Counting"]


@dataclass(frozen=True, slots=True, eq=False)
class Counting:
    """A frequency table that is asked for.

    Attributes:
        run: whose neurons they are.
        by: the column, or two with a comma between, as filters name them.
        where: the filter that the neurons have passed.
        category: meant by a figure without one.
        among: which neurons are counted, ``[neurons]``; None: all.
        view: what the table shows, as commands say it.
    """

    run: Run
    by: str
    where: str = ""
    category: str = ""
    among: NDArray[np.bool_] | None = None
    view: View = field(default_factory=View)

    def counted_by(self, by: str) -> Counting:
        """The same neurons by other columns."""
        return replace(self, by=by)

    def report(self) -> Report:
        """The frequency table; takes up to half a second for millions of neurons.

        Raises:
            MechaMapError: what they are to be counted by makes no sense.
        """
        from mechamap.counts.frequency import count_neurons

        where, category = self.where.strip() or None, self.category or None
        return count_neurons(self.run, self.by, where=where, category=category, among=self.among)
