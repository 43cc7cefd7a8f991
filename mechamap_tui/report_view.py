"""What is looked at in a report, as its screen remembers it from one time to the next."""

from __future__ import annotations

from dataclasses import dataclass, field

from mechamap.tables.table import Table
from mechamap_tui.report_order import CellPlace

__all__ = ["ReportView"]


@dataclass(slots=True)
class ReportView:
    """Changed as the user goes.

    Attributes:
        by: the figure that neurons are judged by; None: the run's own.
        threshold: from where on they count; None: the figure's own.
        table: the key of the table that is shown; empty: the first.
        numbers: whether heat maps are shown as numbers.
        places: where the cursor was left, by table.
    """

    by: str | None = None
    threshold: float | None = None
    table: str = ""
    numbers: bool = False
    places: dict[str, CellPlace] = field(default_factory=dict)

    def place(self, table: Table) -> CellPlace:
        """Where its cursor was left; at first on the first cell that leads to neurons, where there is one."""
        return self.places.get(table.key) or CellPlace(column=_first(table))


def _first(table: Table) -> int:
    if table.columns[0].kind == "neuron" or len(table.columns) == 1:
        return 0
    linked = (column for column in range(1, len(table.columns)) if table.rows and table.link(0, column) is not None)
    return next(linked, 1)
