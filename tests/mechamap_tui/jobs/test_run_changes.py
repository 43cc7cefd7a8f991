"""A run that another process writes to is read again, and one that another scan replaced is told apart."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from support.recorded_run import recorded_run

from mechamap.runs.record import RunRecord, dump
from mechamap.runs.run import Run
from mechamap_tui.jobs.run_changes import RunChange, read_again


def opened(folder: Path) -> Run:
    """A run as it is on disk now."""
    return Run.open(recorded_run(folder / "run").path or folder)


def write(run: Run, record: RunRecord) -> None:
    """Replace ``run.json`` as another process does."""
    assert run.path is not None
    file = run.path / "run.json"
    file.write_text(dump(record))
    stamp = file.stat().st_mtime_ns + 1_000_000_000
    os.utime(file, ns=(stamp, stamp))


def test_a_run_that_nobody_writes_to_has_no_changes(tmp_path: Path) -> None:
    assert read_again(opened(tmp_path)) is RunChange.NONE


def test_what_is_added_to_a_run_is_read(tmp_path: Path) -> None:
    run = opened(tmp_path)
    write(run, replace(run.record, problems=("a layer overflowed",)))
    assert read_again(run) is RunChange.ADDED_TO
    assert run.record.problems == ("a layer overflowed",)


def test_of_a_run_that_another_scan_replaced_what_was_read_stays(tmp_path: Path) -> None:
    run = opened(tmp_path)
    before = run.record.created
    write(run, replace(run.record, created="2031-01-01T00:00:00+00:00"))
    assert read_again(run) is RunChange.REPLACED
    assert run.record.created == before


def test_a_run_that_is_removed_stays_as_it_was_read(tmp_path: Path) -> None:
    run = opened(tmp_path)
    assert run.path is not None
    (run.path / "run.json").unlink()
    assert read_again(run) is RunChange.NONE
