"""A run knows whether somebody is writing it."""

from __future__ import annotations

import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from support.recorded_run import recorded_run

from mechamap.errors import RunError
from mechamap.runs.library import list_runs
from mechamap.runs.lock import RunLock, has_writer
from mechamap.runs.writer import RunWriter

HOLD = """
import sys, time
from pathlib import Path
from mechamap.runs.lock import RunLock
with RunLock(Path(sys.argv[1])):
    print("locked", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def other_writer(tmp_path):
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "locked\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def test_only_one_process_writes_a_run(tmp_path, other_writer):
    assert has_writer(tmp_path)
    with pytest.raises(RunError, match="Another scan is writing"):
        RunLock(tmp_path)


def test_a_killed_writer_lets_go(tmp_path, other_writer):
    other_writer.kill()
    other_writer.wait()
    deadline = time.monotonic() + 10
    while has_writer(tmp_path) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not has_writer(tmp_path)
    RunLock(tmp_path).release()


def test_a_run_whose_scan_is_gone_is_listed_as_interrupted(tmp_path, monkeypatch):
    monkeypatch.setenv("MECHAMAP_HOME", str(tmp_path))
    folder = tmp_path / "runs" / "tiny-1"
    run = recorded_run(folder, complete=1)
    unfinished = tuple(replace(layer, complete=layer.layer == 0) for layer in run.layers)
    writer = RunWriter(folder, replace(run.record, state="running", layers=unfinished), 5)
    assert [summary.state for summary in list_runs()] == ["running"]
    writer.close()
    assert [(summary.state, summary.layers_complete) for summary in list_runs()] == [("interrupted", 1)]


def test_a_second_writer_leaves_the_run_as_it_is(tmp_path):
    run = recorded_run(tmp_path / "run")
    before = {path.name: path.read_bytes() for path in Path(tmp_path / "run").iterdir()}
    with (
        RunLock(tmp_path / "run"),
        pytest.raises(RunError, match="Another scan"),
        RunWriter(tmp_path / "run", run.record, 5),
    ):
        pass
    assert {path.name: path.read_bytes() for path in Path(tmp_path / "run").iterdir()} == before
