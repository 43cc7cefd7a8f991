"""The keys of a report's screen, in the order in which the footer and the help list them."""

from __future__ import annotations

from textual.binding import Binding, BindingType

__all__ = ["JUDGING_KEYS", "REPORT_KEYS", "TABLE_KEYS"]


TABLE_KEYS: tuple[BindingType, ...] = (
    Binding("right_square_bracket,tab", "step(1)", "next table"),
    Binding("left_square_bracket,shift+tab", "step(-1)", "previous table", show=False),
    *(
        Binding(str(n % 10), f"table({n - 1})", "table by its number", show=False, id=f"table_{n}")
        for n in range(1, 11)
    ),
    Binding("v", "numbers", "map/numbers", tooltip="the table as a heat map, or as numbers"),
)
JUDGING_KEYS: tuple[BindingType, ...] = (
    Binding("f", "figure(1)", "figure", tooltip="count by the next figure"),
    Binding("F", "figure(-1)", "previous figure", show=False),
    Binding("t,slash", "threshold", "threshold", tooltip="from which value a neuron counts"),
)
REPORT_KEYS: tuple[BindingType, ...] = (
    Binding("i", "about", "about", tooltip="what the report is about, and how it counts"),
    Binding("e", "export_report", "export"),
    Binding("y", "copy", "copy", tooltip="copy the table"),
    Binding("Y", "copy_cell", "copy the cell", show=False),
    Binding("q,escape", "back", "back"),
)
