"""A report made by hand about a recorded run, with tables of every kind, for tests of the screens."""

from __future__ import annotations

import numpy as np

from mechamap.run import Run
from mechamap.tables.table import Cell, Column, Link, Report, Table


def made_report(run: Run, by: str = "reads", threshold: float = 0.9) -> Report:
    """What an interpretation of the run might say; its counts are the run's."""
    tables = (_facts(run), _layers(run, threshold), _top(run), _correlation(run))
    return Report(
        title=f"{run.name} by {by} ≥ {threshold:g}",
        tables=tables,
        remarks=("Three neurons were planted.",),
        runs=(str(run.path),),
        main="layers",
    )


def _facts(run: Run) -> Table:
    rows: tuple[tuple[Cell, ...], ...] = (("model", run.label), ("neurons", f"{run.neurons:,}"), ("text", "a\x1b[31mb"))
    links = ((None, None), (None, Link()), (None, None))
    return Table("info", "About the run", (Column("fact", "fact"), Column("value", "value")), rows, links=links)


def _layers(run: Run, threshold: float) -> Table:
    rows, links = [], []
    for layer in run.layers:
        own: list[Cell] = [layer.layer]
        behind: list[Link | None] = [Link(f"layer == {layer.layer}")]
        for category in run.categories:
            values = np.asarray(run.column("selectivity", category))[layer.rows]
            count = int(np.count_nonzero(np.abs(values) >= threshold))
            where = f"layer == {layer.layer} and (reads.{category} >= {threshold} or reads.{category} <= -{threshold})"
            own.append(count)
            behind.append(Link(where, category, sort=f"-reads.{category}") if count else None)
        rows.append(tuple(own))
        links.append(tuple(behind))
    columns = (Column("layer", "layer", "count"), *(Column(name, name, "count") for name in run.categories))
    about = "Neurons at or above the threshold, by the layer that they are in. " * 4
    return Table("layers", "Layer x category", columns, tuple(rows), about.strip(), tuple(links), heat=True)


def _top(run: Run) -> Table:
    rows, links = [], []
    for category in run.categories:
        values = np.asarray(run.column("selectivity", category))
        for row in np.argsort(-np.abs(values))[:2].tolist():
            name = str(run.neuron_name(row))
            tokens = tuple(hit.piece for hit in run.top_tokens(row))
            rows.append((category, name, float(values[row]), None, tokens))
            links.append((None, Link(name, category), Link("", category, neuron=name), None, None))
    columns = (
        Column("category", "category"), Column("neuron", "neuron", "neuron"), Column("reads", "reads", "correlation"),
        Column("p", "p of its reading", "p"), Column("tokens", "top tokens", "tokens"),
    )  # fmt: skip
    return Table("top", "The strongest neurons", columns, tuple(rows), links=tuple(links))


def _correlation(run: Run) -> Table:
    values = np.corrcoef(np.asarray(run.figure("selectivity")).T)  # [categories, categories]
    rows = tuple((name, *map(float, values[at])) for at, name in enumerate(run.categories))
    columns = (Column("category", "category"), *(Column(name, name, "correlation") for name in run.categories))
    return Table("correlation", "Correlation of the categories", columns, rows, heat=True, limit=1.0)
