"""Where the neurons of each category lie: layer by layer, in depth, and how many neurons are dead."""

from __future__ import annotations

import numpy as np

from mechamap.interpret.judged import FigureView
from mechamap.query.syntax import bracketed
from mechamap.runs.layout import model_layers
from mechamap.tables.rows import LinkedCell, Rows, category_columns, number
from mechamap.tables.table import Column, Table

__all__ = ["dead_table", "depth_table", "layers_table"]


def layers_table(found: FigureView) -> Table:
    """Layer x category: how many neurons count."""
    numbers = [its.layer for its in found.layers]
    pivot = found.counts.groupby(found.layer).sum().reindex(numbers, fill_value=0)  # [layers, categories]
    every = (found.number > 0).groupby(found.layer).sum().reindex(numbers, fill_value=0)  # [layers]
    wheres = {category: found.conditions.counting(category) for category in found.categories}
    of_any = found.conditions.of_any()
    rows = Rows()
    for layer, counts, total in zip(numbers, pivot.to_numpy().tolist(), every.tolist(), strict=True):
        cells = (
            LinkedCell(int(count), found.conditions.link(where, category, layer))
            for (category, where), count in zip(wheres.items(), counts, strict=True)
        )
        rows.add(layer, *cells, LinkedCell(int(total), found.conditions.link(of_any, layer=layer)))
    columns = (
        Column("layer", "layer", "number"),
        *category_columns(found.categories, "count", "layer", "total"),
        Column("total", "any", "count"),
    )
    about = f"Neurons that count: {found.reaches}. A neuron of several categories counts in each, once under any."
    limit = float(pivot.to_numpy().max(initial=1))  # what counts for any category must not outshine all others
    return rows.table("layers", "Neurons of each category, layer by layer", columns, about=about, limit=limit)


def depth_table(found: FigureView) -> Table:
    """Quartiles of the layers that the neurons of each category lie in, for the sides of a model apart."""
    sides = [*dict.fromkeys(its.side for its in found.layers)]
    rows = Rows()
    for category in found.categories:
        layers = found.layer[found.counts[category]]
        for side in sides:
            its = [layer.layer for layer in found.layers if layer.side == side]
            inside = layers[layers.isin(its)] if len(sides) > 1 else layers
            low, middle, high = (number(inside.quantile(q)) for q in (0.25, 0.5, 0.75))
            where = found.conditions.counting(category)
            if len(sides) > 1:
                where = f"{bracketed(where)} and layer >= {min(its)} and layer <= {max(its)}"
            first, last = _ends(found, side)
            rows.add(
                category,
                *((side,) if len(sides) > 1 else ()),
                LinkedCell(len(inside), found.conditions.link(where, category)),
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
    return rows.table("depth", "How deep each category lies", columns, about=_about(found, len(sides) > 1))


def _ends(found: FigureView, side: str) -> tuple[int, int]:
    """The layers that count as depth 0 and 1."""
    if not side:
        return 0, model_layers(found.run) - 1
    its = [layer.layer for layer in found.run.layers if layer.side == side]
    return min(its), max(its)


def _about(found: FigureView, sides: bool) -> str:
    about = f"Layers of the neurons that count: {found.reaches}. IQR: upper less lower quartile. Relative depth: of "
    if sides:
        return f"{about}the median, 0 in the side's first scanned layer, 1 in its last."
    about += f"the median, layer / {max(model_layers(found.run) - 1, 1)}."
    return about + (" The last layer of a CSV is the last that it lists." if found.run.is_csv else "")


def dead_table(found: FigureView) -> Table:
    """How many neurons of each layer never did anything on the text."""
    rows = Rows()
    dead = np.asarray(found.run.figure("dead")) > 0  # [neurons]
    for layer in found.layers:
        count = int(dead[layer.rows].sum())
        rows.add(
            layer.layer,
            LinkedCell(count, found.conditions.link("dead", layer=layer.layer)),
            LinkedCell(layer.width, found.conditions.link(f"layer == {layer.layer}")),
            count / layer.width if layer.width else None,
        )
    columns = (
        Column("layer", "layer", "number"),
        Column("dead", "dead", "count"),
        Column("neurons", "of", "count"),
        Column("share", "share", "share"),
    )
    return rows.table("dead", "Dead neurons", columns, about="Dead: it never fires on any scored position of the text.")
