"""What a scan tells of the neurons it found: the best of each category, by what lists go by, and how they read it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support.recorded_run import CATEGORIES, Shape, checked_run, recorded_run

from mechamap.cli.scan_report import strongest_lines
from mechamap.runs.run import Run


def run_of(folder: Path, kind: str) -> Run:
    if kind == "sides":
        return recorded_run(folder, shape=Shape(encoders=1))
    run = recorded_run(folder) if kind == "scanned" else checked_run(folder)
    lacking = {"early": ("strength", "ap"), "confirmed early": ("strength",)}.get(kind, ())
    return Run(replace(run.record, figures=tuple(f for f in run.record.figures if f not in lacking)), path=run.path)


@pytest.mark.parametrize(
    ("kind", "figure"),
    [
        ("scanned", "ap"),
        ("sides", "ap"),
        ("confirmed", "strength"),
        ("confirmed early", "ap"),
        ("early", "selectivity"),
    ],
)
def test_the_best_of_each_category_are_listed_with_how_they_read_it(tmp_path: Path, kind: str, figure: str) -> None:
    run = run_of(tmp_path / "run", kind)
    lines = strongest_lines(run)
    assert len(lines) == 3 * len(CATEGORIES)
    for number, category in enumerate(CATEGORIES):
        values, reads = run.column(figure, category), run.column("selectivity", category)
        best = np.argsort(-np.abs(values), kind="stable")[:3].tolist()
        for row, line in zip(best, lines[3 * number :], strict=False):
            parts = line.removeprefix(category).split()
            assert parts[0] == str(run.neuron_name(row))
            told = dict(zip(parts[1:5:2], parts[2:5:2], strict=False))
            if figure != "selectivity":
                assert float(told[figure]) == pytest.approx(float(values[row]), abs=0.005)
            assert float(told["reads"]) == pytest.approx(float(reads[row]), abs=0.005)
            assert ("(falls)" in line) == (reads[row] < 0)
            token = run.top_tokens(row, lowest=bool(reads[row] < 0))[0].piece.strip()
            assert token in line
            assert ("hard" in line) == (kind in ("confirmed", "confirmed early", "early"))
    assert any("(falls)" in line for line in lines)
