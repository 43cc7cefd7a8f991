"""Where the neurons of each category lie: layer by layer, in depth, and how many neurons are dead."""

from __future__ import annotations

import numpy as np

from mechamap.interpret.judged import FigureView
from mechamap.query.filters import bracketed
from mechamap.runs.layout import model_layers
from mechamap.tables.rows import LinkedCell, Rows, category_columns, number
from mechamap.tables.table import Column, Table

__all__ = ["dead_table", "depth_table", "layers_table"]


def layers_table(view: FigureView) -> Table:
    """Layer x category: how many neurons count."""
    numbers = [layer.layer for layer in view.layers]
    pivot = view.counts.groupby(view.layer).sum().reindex(numbers, fill_value=0)  # [layers, categories]
    totals = (view.number > 0).groupby(view.layer).sum().reindex(numbers, fill_value=0)  # [layers]
    wheres = {category: view.conditions.counting(category) for category in view.categories}
    of_any = view.conditions.of_any()
    rows = Rows()
    for layer, counts, total in zip(numbers, pivot.to_numpy().tolist(), totals.tolist(), strict=True):
        cells = (
            LinkedCell(int(count), view.conditions.link(where, category, layer))
            for (category, where), count in zip(wheres.items(), counts, strict=True)
        )
        rows.add(layer, *cells, LinkedCell(int(total), view.conditions.link(of_any, layer=layer)))
    columns = (
        Column("layer", "layer", "number"),
        *category_columns(view.categories, "count", "layer", "total"),
        Column("total", "any", "count"),
    )
    about = f"Neurons that count: {view.reaches}. A neuron of several categories counts in each and once under any."
    limit = float(pivot.to_numpy().max(initial=1))  # what counts for any category must not outshine all others
    return rows.table("layers", "Neurons of each category, layer by layer", columns, about=about, limit=limit)


def depth_table(view: FigureView) -> Table:
    """Quartiles of the layers that the neurons of each category lie in, for the sides of a model apart."""
    sides = [*dict.fromkeys(layer.side for layer in view.layers)]
    rows = Rows()
    for category in view.categories:
        layers = view.layer[view.counts[category]]
        for side in sides:
            of_side = [layer.layer for layer in view.layers if layer.side == side]
            inside = layers[layers.isin(of_side)] if len(sides) > 1 else layers
            low, middle, high = (number(inside.quantile(q)) for q in (0.25, 0.5, 0.75))
            where = view.conditions.counting(category)
            if len(sides) > 1:
                where = f"{bracketed(where)} and layer >= {min(of_side)} and layer <= {max(of_side)}"
            first, last = _ends(view, side)
            rows.add(
                category,
                *((side,) if len(sides) > 1 else ()),
                LinkedCell(len(inside), view.conditions.link(where, category)),
                int(inside.min()) if len(inside) else None,
                low,
                middle,
                high,
                int(inside.max()) if len(inside) else None,
                None if low is None or high is None else high - low,
                None if middle is None else (middle - first) / max(last - first, 1),
            )
    columns = (
        Column("category", "category"),
        *((Column("side", "side"),) if len(sides) > 1 else ()),
        Column("neurons", "neurons", "count"),
        Column("first", "first", "number"),
        Column("lower_quartile", "lower quartile", "number"),
        Column("median", "median", "number"),
        Column("upper_quartile", "upper quartile", "number"),
        Column("last", "last", "number"),
        Column("spread", "IQR", "number"),
        Column("relative_depth", "relative depth", "probability"),
    )
    return rows.table("depth", "How deep each category lies", columns, about=_about(view, len(sides) > 1))


def _ends(view: FigureView, side: str) -> tuple[int, int]:
    """The layers that count as depth 0 and 1."""
    if not side:
        return 0, model_layers(view.run) - 1
    of_side = [layer.layer for layer in view.run.layers if layer.side == side]
    return min(of_side), max(of_side)


def _about(view: FigureView, sides: bool) -> str:
    about = f"Layers of the neurons that count: {view.reaches}. IQR: upper minus lower quartile. Relative depth: of "
    if sides:
        return f"{about}the median, 0 in the side's first scanned layer, 1 in its last."
    about += f"the median, layer / {max(model_layers(view.run) - 1, 1)}."
    return about + (" The last layer of a CSV is the last that it lists." if view.run.is_csv else "")


def dead_table(view: FigureView) -> Table:
    """How many neurons of each layer never did anything on the text."""
    rows = Rows()
    dead = np.asarray(view.run.figure("dead")) > 0  # [neurons]
    for layer in view.layers:
        count = int(dead[layer.rows].sum())
        rows.add(
            layer.layer,
            LinkedCell(count, view.conditions.link("dead", layer=layer.layer)),
            LinkedCell(layer.width, view.conditions.link(f"layer == {layer.layer}")),
            count / layer.width if layer.width else None,
        )
    columns = (
        Column("layer", "layer", "number"),
        Column("dead", "dead", "count"),
        Column("neurons", "of", "count"),
        Column("share", "share", "share"),
    )
    return rows.table("dead", "Dead neurons", columns, about="Dead: never fires at any scored position of the text.")
