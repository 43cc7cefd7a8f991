"""What is interpreted: a scan of the bundled model, its CSV, and recorded runs of every kind."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
from support.by_name import scan_request
from support.recorded_run import Shape, checked_run, recorded_run

from mechamap.config.schema import default_config
from mechamap.csv_files.run import read_csv
from mechamap.exports.registry import ExportRequest, export_run
from mechamap.runs.run import Run
from mechamap.scan.scan import scan

ODD_NAMES = ("proper noun", "x.y", 'a "b" or c')


@pytest.fixture(scope="session")
def demo_run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The bundled model: 4 layers of 640 neurons, 8 categories."""
    return scan(scan_request("demo", default_config(), tmp_path_factory.mktemp("interpret") / "demo"))


@pytest.fixture(scope="session")
def demo_csv(demo_run: Run) -> Path:
    assert demo_run.path is not None
    file = demo_run.path.parent / "demo.csv"
    export_run(demo_run, file, ExportRequest("csv"))
    return file


@pytest.fixture(scope="session")
def run_called(tmp_path_factory: pytest.TempPathFactory, demo_run: Run, demo_csv: Path) -> Callable[[str], Run]:
    """Runs by name; see the cases."""
    folder = tmp_path_factory.mktemp("recorded")

    def experts() -> Run:
        return recorded_run(folder / "experts", layers=4, shape=Shape(experts=4, shared=2))

    def experts_csv() -> Run:
        export_run(experts(), folder / "experts.csv", ExportRequest("csv", threshold=0.1))
        return read_csv(folder / "experts.csv")

    def words_of_filters() -> Run:
        run = recorded_run(folder / "words", shape=Shape(step=3))  # there is a layer 3
        return Run(replace(run.record, categories=("and", "3", "Not")), None, run.path)

    def odd_names() -> Run:
        run = checked_run(folder / "odd")
        return Run(replace(run.record, categories=ODD_NAMES, second_looks=()), None, run.path)

    made: dict[str, Callable[[], Run]] = {
        "demo": lambda: demo_run,
        "csv": lambda: read_csv(demo_csv),
        "checked": lambda: checked_run(folder / "checked"),
        "experts": lambda: _many_words(experts()),
        "experts csv": experts_csv,
        "sides": lambda: recorded_run(folder / "sides", layers=5, shape=Shape(encoders=2)),
        "partial": lambda: recorded_run(folder / "partial", layers=4, complete=2),
        "steps": lambda: recorded_run(folder / "steps", shape=Shape(step=3)),
        "odd names": odd_names,
        "words of filters": words_of_filters,
    }

    @cache
    def run_called(name: str) -> Run:
        return made[name]()

    return run_called


def _many_words(run: Run) -> Run:
    """As if eight words of every category had come to each even neuron, and none to the others."""
    words = run.figure("occurrences").copy()
    words[:] = 0
    words[::2] = 8
    return Run(run.record, {"occurrences": words}, run.path)
