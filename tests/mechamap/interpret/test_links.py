"""A key leads from a cell to the neurons behind it: as many as the cell says, and those."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from support.recorded_run import checked_run

from mechamap.figures.of_run import figures_of
from mechamap.interpret.judged import figure_view
from mechamap.interpret.report import interpret_run
from mechamap.interpret.tables import TABLES
from mechamap.protocol.messages import decode, plain
from mechamap.query.evaluate import matching
from mechamap.runs.run import Run
from mechamap.tables.table import Report

RUNS = (
    "demo",
    "csv",
    "checked",
    "experts",
    "experts csv",
    "sides",
    "partial",
    "steps",
    "odd names",
    "words of filters",
)
# of each way to be strong: both sides of 0, of 0.5, one side, small; measured or estimated; writing
FIGURES = ("strength", "ap", "selectivity", "auroc", "mean", "p", "cause", "write_p")
LOWER = {"strength": 0.25, "ap": 0.25, "auroc": 0.6, "cause": 0.005, "p": 0.5, "write_p": 0.5}
COUNTING = ("categories", "layers", "signs", "depth", "specialisation", "combinations", "correlation_neurons", "dead")


def linked_counts(run: Run, report: Report) -> int:
    """How many counts lead to neurons, each held against what the filter finds."""
    checked = 0
    for table in report.tables:
        for at, row in enumerate(table.rows):
            for column, cell in enumerate(row):
                link = table.link(at, column)
                if link is not None and link.where and isinstance(cell, int):
                    assert matching(run, link.where, link.category or None).sum() == cell, (table.key, row, link)
                    checked += 1
                if table.key in COUNTING and table.columns[column].kind == "count":
                    assert link is not None, (table.key, row)
    return checked


@pytest.mark.parametrize("name", RUNS)
def test_the_filter_behind_every_count_finds_as_many(name: str, run_called: Callable[[str], Run]) -> None:
    run = run_called(name)
    for kind in figures_of(run):
        if kind.name in FIGURES:
            report = interpret_run(run, kind.name, LOWER.get(kind.name, 0.3))
            assert linked_counts(run, report) > 20
            assert decode(json.loads(json.dumps(plain(report))), Report) == report


@pytest.mark.parametrize("name", RUNS)
def test_links_to_one_neuron_name_one_that_there_is(name: str, run_called: Callable[[str], Run]) -> None:
    run = run_called(name)
    report = interpret_run(run, threshold=0.25)
    for key in ("categories", "top", "several", "specialists"):
        table = report.table(key)
        assert table is not None
        names = [column.kind for column in table.columns].index("neuron")
        for at, row in enumerate(table.rows):
            link = table.link(at, names)
            if row[names] is not None:
                assert link is not None
                assert link.neuron == row[names]
                assert link.category in run.categories
                run.row_of(link.neuron)


def test_the_neurons_behind_a_cell_are_the_very_ones(demo_run: Run) -> None:
    report = interpret_run(demo_run, "reads", 0.6)
    table = report.table("layers")
    assert table is not None
    values = demo_run.figure("selectivity")
    at = next(row for row, cells in enumerate(table.rows) if cells[0] == 2)
    for column, category in enumerate(demo_run.categories, start=1):
        link = table.link(at, column)
        assert link is not None
        mask = (demo_run.layer_of == 2) & (np.abs(values[:, column - 1]) >= np.float32(0.6))
        assert link.category == category
        assert (matching(demo_run, link.where) == mask).all()


def test_categories_that_are_called_like_columns_lose_nothing(tmp_path: Path) -> None:
    run = checked_run(tmp_path / "run")
    run = Run(replace(run.record, categories=("layer", "total", "category"), second_looks=()), None, run.path)
    report = interpret_run(run, threshold=0.3)
    linked_counts(run, report)
    for table in report.tables:
        keys = [column.key for column in table.columns]
        assert len(set(keys)) == len(keys)
    layers = report.table("layers")
    assert layers is not None
    assert [column.title for column in layers.columns] == ["layer", "layer", "total", "category", "any"]


def test_only_what_is_wanted_is_made_and_it_is_the_same(demo_run: Run) -> None:
    whole = interpret_run(demo_run)
    assert [table.key for table in whole.tables] == list(TABLES)
    some = interpret_run(demo_run, only=("layers", "several"))
    assert some.tables == (whole.table("layers"), whole.table("several"))
    assert whole.main == "categories"
    assert whole.runs == (str(demo_run.path),)


def test_what_several_tables_need_is_worked_out_once(demo_run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    correlate = pd.DataFrame.corr
    monkeypatch.setattr(pd.DataFrame, "corr", lambda values: (calls.append(values), correlate(values))[1])
    interpret_run(demo_run)
    assert len(calls) == 1
    found = figure_view(demo_run, None, None)
    assert found.pairs is found.pairs
    assert found.combinations is found.combinations


def test_long_tables_can_be_cut(demo_run: Run) -> None:
    whole, cut = (interpret_run(demo_run, "reads", 0.5, most=most) for most in (None, 3))
    for key in ("several", "specialists", "combinations"):
        long, short = whole.table(key), cut.table(key)
        assert long is not None
        assert short is not None
        assert short.rows == long.rows[:3]
        assert short.total == long.total == len(long.rows)
        assert f" The first 3 of {len(long.rows)}." in short.about
        assert "The first" not in long.about
