"""The borders of the neuron table: what it shows, how many, sorted by what, and what it leaves out."""

from __future__ import annotations

from textual.content import Content

from mechamap.query.column_names import overview_figure
from mechamap.runs.corpus.words import corpus_so_far
from mechamap.runs.layout import layout_of, side_labels
from mechamap_tui.browse.table.columns import changes_with_category
from mechamap_tui.browse.table.table import NeuronTable
from mechamap_tui.data.layer_counts import flag_words
from mechamap_tui.widgets.glyphs import DOWN, UP
from mechamap_tui.widgets.pane_title import first_fitting, pane_title

__all__ = ["entitle_table"]


def entitle_table(table: NeuronTable, expression: str, layer: int | None, *, marked: bool) -> None:
    """Describe in a table's borders what it shows.

    Args:
        expression: the filter that was entered.
        layer: the only one that is shown; None: all are.
        marked: whether only the marked neurons are.
    """
    order, complete = table.order, len(table.run.complete_layers) == len(table.run.layers)
    count = f"{order.count:,} of {order.available:,}"
    corpus = table.run.record.corpus
    growing = corpus if table.run.record.state != "complete" else None
    over = f", {corpus_so_far(growing)}" if growing is not None else "" if complete else " so far"
    category, overview = table.category, table.overview
    shown = overview_figure(table.run).label if overview else category
    titles = [
        f"{category} " * (overview and changes_with_category(key.column)) + table.column_title(key.column)
        for key in order.keys
    ]
    by = ", then ".join(
        f"{title} {DOWN if key.descending else UP}" for title, key in zip(titles, order.keys, strict=True)
    )
    width = table.outer_size.width or table.app.size.width
    table.border_title = first_fitting(
        width,
        pane_title(
            "2 Neurons",
            f"{shown} of all categories" if overview else f"category {category}" if category else "",
            f"{count}{over}",
            f"sorted by {by}",
        ),
        pane_title("2 Neurons", shown, f"{count}{over}", f"by {by}"),
        pane_title("2", shown, f"{count}{over}", by),
        pane_title("2 Neurons", shown, count, f"by {by}"),
        pane_title("2", shown, count, by),
    )
    brief = _only(table, expression, layer, marked=marked)
    whole = _only(table, expression, layer, marked=marked, whole=True)
    table.border_subtitle = first_fitting(width, whole, brief) if brief else None


def _only(table: NeuronTable, expression: str, layer: int | None, *, marked: bool, whole: bool = False) -> Content:
    """Which neurons the table shows, unless all; ``whole`` includes everything known about a chosen layer."""
    about = ""
    if layer is not None and whole:
        rows = table.run.layer_rows(layer)
        side = side_labels(table.run.layers, table.run.record.proof).get(layer, "")
        parts = (side, str(layout_of(rows)) if rows.experts else "", flag_words(table.run, rows))
        about = f" ({', '.join(part for part in parts if part)})" if any(parts) else ""
    shown = (
        f"layer {layer}{about}" if layer is not None else "",
        "marked" if marked else "",
        expression,
    )
    only = " and ".join(part for part in shown if part)
    return pane_title(f"only {only} (N clears)" if only else "")
