"""What the pages show of a report has the columns that the command prints."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from support.comparisons import compared
from support.recorded_run import recorded_run
from support.repository import ROOT

from mechamap.interpret.report import interpret_run
from mechamap.runs.run import Run
from mechamap.tables.formats import written
from mechamap.tables.table import Report

DOCS = ROOT / "docs"


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Not confirmed, as on the pages."""
    return recorded_run(tmp_path / "run")


def interpreted(run: Run) -> Report:
    return interpret_run(run, threshold=0.3)


def twin_report(run: Run) -> Report:
    other = Run(run.record, {"ap": run.figure("ap") * 0.9}, run.path)
    return compared([run, other], threshold=0.3)


@pytest.mark.parametrize(
    ("page", "report", "key"),
    [
        ("interpret.md", interpreted, "categories"),
        ("compare.md", twin_report, "categories"),
        ("compare.md", twin_report, "changes"),
    ],
)
def test_a_sample_has_the_title_and_the_columns_of_its_table(
    page: str, report: Callable[[Run], Report], key: str, run: Run
) -> None:
    lines = written(report(run), "table", tables=[key]).splitlines()
    table = report(run).table(key)
    assert table is not None
    title = lines.index(table.title)
    shown = (DOCS / page).read_text(encoding="utf-8").splitlines()
    at = shown.index(table.title)
    assert shown[at + 1].split() == lines[title + 1].split()
