"""Code that came with a model and was run is recorded with the run, and shown wherever the run is described."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from support.recorded_run import recorded_run

from mechamap.cli.main import main
from mechamap.runs.foreign_code import foreign_code
from mechamap.runs.record import dump
from mechamap.runs.run import Run
from mechamap_tui.dialogs.run_info import info_lines


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return recorded_run(tmp_path / "run")


def written(run: Run, own_code: tuple[str, ...], *, allowed: bool) -> Run:
    """The same run, of a model with code of its own."""
    config = replace(run.config, trust_remote_code=allowed)
    record = replace(run.record, config=config, model=replace(run.record.model, own_code=own_code))
    assert run.path is not None
    (run.path / "run.json").write_text(dump(record), encoding="utf-8")
    return Run.open(run.path)


def test_what_was_run_is_named(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    again = written(run, ("Homemade (code.py)",), allowed=True)
    assert again.record.model.own_code == ("Homemade (code.py)",)
    assert main(["runs", "show", str(run.path)]) == 0
    shown = capsys.readouterr().out
    assert "code       came with the model and was run (trust_remote_code): Homemade (code.py)" in shown
    line = next(line for kind, line in info_lines(again) if kind == "trouble")
    assert line == "  code: came with the model and was run (trust_remote_code): Homemade (code.py)"


def test_what_was_only_allowed_is_said_and_nothing_where_it_was_not(run: Run) -> None:
    assert "allowed to run" in foreign_code(written(run, (), allowed=True).record)
    assert foreign_code(written(run, (), allowed=False).record) == ""


def test_a_run_of_an_older_version_has_no_such_classes(run: Run) -> None:
    assert run.path is not None
    file = run.path / "run.json"
    file.write_text(file.read_text(encoding="utf-8").replace('"own_code": []', '"spare": 1'), encoding="utf-8")
    assert Run.open(run.path).record.model.own_code == ()
