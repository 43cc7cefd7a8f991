"""What a column of the neuron table is called in filters and in sort columns of commands."""

from __future__ import annotations

from mechamap.figures.catalogue import judged_figures
from mechamap.figures.figure import JudgedFigure
from mechamap.query.filters import quoted
from mechamap.runs.run import Run
from mechamap_tui.browse.table.columns import ALL_CATEGORIES, EXPLAINED, ROUTED, TOKENS, overview_figure

__all__ = ["expression_of"]


def expression_of(run: Run, key: str, category: str) -> str:
    """A column's expression, with its category, so that it means the same whatever category is shown.

    Args:
        key: of the column.
        category: that the table shows; empty: none.
    """
    if key == TOKENS:
        return "first_token"
    if key == ROUTED:
        return "tokens"
    if key.startswith(ALL_CATEGORIES):
        return f"{overview_figure(run).name}.{quoted(key.removeprefix(ALL_CATEGORIES))}"
    figure = next((figure for figure in judged_figures().values() if figure.label == key), None)
    if figure is None and key != EXPLAINED:
        return key
    return f"{_name(figure) if figure is not None else key}.{quoted(category)}" if category else key


def _name(figure: JudgedFigure) -> str:
    """The name by which filters give what the table shows: the measured values where there are some."""
    return figure.aliases[0] if figure.measured_as else figure.name
