"""A report made by hand about a recorded run, with tables of every kind, for tests of the screens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from mechamap.query.link import Link
from mechamap.runs.run import Run
from mechamap.tables.table import Cell, Column, Report, Table


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


def made_comparison(runs: Sequence[Run], by: str = "reads", threshold: float = 0.9, matched: bool = False) -> Report:
    """What a comparison of two runs might say: of each its layers, which lead to it; with ``matched`` closest ones."""
    a, b = runs
    tables = [replace(_layers(run, threshold, at), key=f"layers_{at}") for at, run in enumerate(runs)]
    if matched:
        columns = (Column("looked", "looked for"), Column("universal", "universal", "count"))
        tables.append(Table("matches_summary", "Closest neurons", columns, (("A in B", 3),)))
    title = f"A {a.name}, B {b.name} by {by} ≥ {threshold:g}"
    return Report(title, tuple(tables), runs=tuple(str(run.path) for run in runs))


def keep_activations(run: Run, seed: int = 0) -> None:
    """Keep activations as a scan can, random ones; the same seed keeps the same."""
    assert run.path is not None
    rng, folder = np.random.default_rng(seed), run.path / "activations"
    folder.mkdir(exist_ok=True)
    for layer in run.layers:
        shape = layer.width, len(run.record.tokens.pieces)  # [neurons of the layer, positions]
        np.save(folder / f"L{layer.layer}.npy", rng.normal(0, 1, shape).astype(np.float16))


def _facts(run: Run) -> Table:
    rows: tuple[tuple[Cell, ...], ...] = (("model", run.label), ("neurons", f"{run.neurons:,}"), ("text", "a\x1b[31mb"))
    links = ((None, None), (None, Link()), (None, None))
    return Table("info", "About the run", (Column("fact", "fact"), Column("value", "value")), rows, links=links)


def _layers(run: Run, threshold: float, place: int = 0) -> Table:
    rows, links = [], []
    for layer in run.layers:
        own: list[Cell] = [layer.layer]
        behind: list[Link | None] = [Link(f"layer == {layer.layer}", run=place)]
        for category in run.categories:
            values = np.asarray(run.column("selectivity", category))[layer.rows]
            count = int(np.count_nonzero(np.abs(values) >= threshold))
            where = f"layer == {layer.layer} and (reads.{category} >= {threshold} or reads.{category} <= -{threshold})"
            own.append(count)
            behind.append(Link(where, category, place, f"-reads.{category}") if count else None)
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
