"""Reports as the engine answers them: what a program asks for over the protocol is what Python gives."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from recorded_run import recorded_run

from mechamap.engine_calls import Call
from mechamap.engine_methods import METHODS
from mechamap.errors import MechaMapError, UsageError
from mechamap.export import export_run
from mechamap.interpret import interpret_run
from mechamap.rpc import RpcFault
from mechamap.run import Run
from mechamap.tables.table import Report, report_from_dict


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return recorded_run(tmp_path_factory.mktemp("reports") / "run")


def asked(method: str, **params: Any) -> Report:
    """The answer as it is after it went over the wire."""
    answer = METHODS.beside[method](Call(1, method, params, lambda *_: None))
    return report_from_dict(json.loads(json.dumps(answer)))


def test_an_interpretation_over_the_wire_is_the_one_in_python(run: Run) -> None:
    assert asked("interpret", run=str(run.path)) == interpret_run(run)
    assert asked("interpret", run=str(run.path), by="d", threshold=1, top=2) == interpret_run(run, "d", 1.0, 2)


def test_its_long_tables_can_be_cut(run: Run) -> None:
    cut = asked("interpret", run=str(run.path), threshold=0.3, most=2)
    assert cut == interpret_run(run, threshold=0.3, most=2)
    assert cut != asked("interpret", run=str(run.path), threshold=0.3)


def test_a_csv_is_interpreted_too(run: Run, tmp_path: Path) -> None:
    export_run(run, tmp_path / "neurons.csv", format="csv")
    report = asked("interpret", run=str(tmp_path / "neurons.csv"))
    counts = report.table("categories")
    assert counts is not None
    assert {row[0] for row in counts.rows} == set(run.categories)


def test_what_cannot_be_interpreted_says_so(run: Run, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no figure 'size'"):
        asked("interpret", run=str(run.path), by="size")
    with pytest.raises(MechaMapError):
        asked("interpret", run=str(tmp_path / "nothing"))


@pytest.mark.parametrize(
    "wrong", [{"by": 3}, {"by": ""}, {"threshold": "x"}, {"threshold": True}, {"top": 0}, {"most": 1.5}]
)
def test_parameters_of_another_kind_are_refused(run: Run, wrong: dict[str, Any]) -> None:
    with pytest.raises(RpcFault):
        asked("interpret", run=str(run.path), **wrong)
