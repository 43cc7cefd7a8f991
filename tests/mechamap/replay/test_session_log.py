"""The log of a session: one file a session beside the run, whole whatever happens, and read back as steps."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest
from support.recorded_run import recorded_run

from mechamap.csv_files.run import read_csv
from mechamap.errors import UsageError
from mechamap.exports.registry import ExportRequest, export_run
from mechamap.replay import session_log
from mechamap.replay.read_log import read_log
from mechamap.replay.session_log import SessionLog, log_folder
from mechamap.runs.run import Run


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("MECHAMAP_HOME", str(tmp_path / "home"))
    return recorded_run(tmp_path / "tiny-1")


def mark(number: int) -> list[str]:
    return ["mechamap", "notes", "tiny-1", "mark", "--neuron", f"L1.N{number}"]


def test_the_file_comes_with_the_first_action_and_says_what_was_explored(run: Run) -> None:
    log = SessionLog(run)
    assert not log_folder(run).exists()
    log.add(mark(7), "1 is marked")
    log.add(["mechamap", "neurons", "tiny-1", "--where=reads.food > .9"], "3 neurons")
    assert log.path is not None and log.path.parent == log_folder(run) and not log.problem
    head = log.path.read_text(encoding="utf-8")
    for fact in ("run: tiny-1", "model: ", "text: ", "categories: animal, food, color", "written by: mechamap 0."):
        assert f"# {fact}" in head
    read = read_log(log.path)
    assert read.run == "tiny-1" and read.model == run.record.model.id and not read.remarks
    assert [step.words for step in read.steps] == [
        tuple(mark(7)[1:]),
        ("neurons", "tiny-1", "--where=reads.food > .9"),
    ]
    assert [step.remark for step in read.steps] == ["1 is marked", "3 neurons"]
    assert Run.open(run.path or "").neurons == run.neurons  # which the folder does not disturb


def test_two_sessions_have_a_file_each(run: Run) -> None:
    logs = [SessionLog(run) for _ in range(3)]
    for number, log in enumerate(logs):
        log.add(mark(number))
    assert len({log.path for log in logs}) == 3
    assert [read_log(log.path or "").steps[0].words[-1] for log in logs] == ["L1.N0", "L1.N1", "L1.N2"]


def test_of_a_process_that_is_killed_every_action_but_the_last_is_whole(run: Run) -> None:
    script = """
        import sys
        from mechamap.replay.session_log import SessionLog
        from mechamap.runs.run import Run

        log, number = SessionLog(Run.open(sys.argv[1])), 0
        while True:
            log.add(["mechamap", "notes", "tiny-1", "mark", "--neuron", f"L1.N{number}", "--note", "x" * 400])
            number += 1
    """
    process = subprocess.Popen([sys.executable, "-c", textwrap.dedent(script), str(run.path)])
    while not [file for file in log_folder(run).glob("*.log") if file.stat().st_size > 50_000]:
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    (file,) = log_folder(run).glob("*.log")
    steps = read_log(file).steps
    assert len(steps) > 50
    assert [step.words[4] for step in steps] == [f"L1.N{number}" for number in range(len(steps))]
    assert not any(step.problem for step in steps)


def test_a_last_line_that_was_cut_is_left_out(run: Run) -> None:
    log = SessionLog(run)
    log.add(mark(1))
    log.add(mark(1844))
    assert log.path is not None
    data = log.path.read_bytes()
    log.path.write_bytes(data[: data.rindex(b"44")])  # L1.N18 is another neuron
    read = read_log(log.path)
    assert [step.words[-1] for step in read.steps] == ["L1.N1"]
    assert "cut" in read.remarks[0]


def test_where_the_run_cannot_be_written_the_log_is_among_mechamaps_own(run: Run, tmp_path: Path) -> None:
    assert run.path is not None
    (run.path / "sessions").write_text("in its place", encoding="utf-8")
    log = SessionLog(run)
    log.add(mark(1))
    assert log.path is not None and log.path.parent == tmp_path / "home" / "sessions" / "tiny-1"
    csv = tmp_path / "old.csv"
    export_run(run, csv, ExportRequest("csv"))
    of_csv = SessionLog(read_csv(csv))
    of_csv.add(["mechamap", "neurons", str(csv)])
    assert of_csv.path is not None and of_csv.path.parent == tmp_path / "home" / "sessions" / "old.csv"


def test_where_nothing_can_be_written_the_session_goes_on(run: Run, tmp_path: Path) -> None:
    assert run.path is not None
    (run.path / "sessions").write_text("in its place", encoding="utf-8")
    (tmp_path / "home").write_text("likewise", encoding="utf-8")
    log = SessionLog(run)
    log.add(mark(1))
    log.add(mark(2))
    assert log.problem and log.path is None and len(log.lines) == 2


def test_a_link_in_the_logs_place_is_not_followed(run: Run, tmp_path: Path) -> None:
    log = SessionLog(run)
    log.add(mark(1))
    assert log.path is not None
    target = tmp_path / "target"
    target.write_text("mine", encoding="utf-8")
    log.path.unlink()
    log.path.symlink_to(target)
    log.add(mark(2))
    assert target.read_text(encoding="utf-8") == "mine" and log.problem


def test_a_link_in_the_folders_place_is_not_followed_and_a_removed_run_not_made_again(run: Run, tmp_path: Path) -> None:
    assert run.path is not None
    (tmp_path / "others").mkdir()
    (run.path / "sessions").symlink_to(tmp_path / "others")
    log = SessionLog(run)
    log.add(mark(1))
    assert not list((tmp_path / "others").iterdir())
    assert log.path is not None and log.path.is_relative_to(tmp_path / "home")
    shutil.rmtree(run.path)
    log = SessionLog(run)
    log.add(mark(1))
    assert not run.path.exists() and log.path is not None


def test_a_log_and_their_number_are_bounded(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session_log, "LARGEST_LOG", 3_000)
    monkeypatch.setattr(session_log, "_KEPT", 3)
    folder = log_folder(run)
    for _ in range(5):
        log = SessionLog(run)
        for number in range(60):
            log.add(mark(number))
        assert log.path is not None and log.path.stat().st_size <= 3_000 + 100
        assert log.path.read_text(encoding="utf-8").endswith("is not in it.\n")
    (folder / "mine.txt").write_text("kept", encoding="utf-8")
    SessionLog(run).add(mark(1))
    assert len(list(folder.glob("*.log"))) == 3 and (folder / "mine.txt").exists()
    log = SessionLog(run)
    log.add([*mark(1), "x" * 200_000])
    assert read_log(log.path or "").steps == ()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"\xff\xfe", "not text"),
        (b"# MechaMap session log, format 99\nmechamap count r\n", "newer version"),
        (b"x" * 6_000_000, "cannot be read"),
    ],
)
def test_what_is_no_log_is_told(tmp_path: Path, data: bytes, message: str) -> None:
    file = tmp_path / "odd.log"
    file.write_bytes(data)
    with pytest.raises(UsageError, match=message):
        read_log(file)


def test_a_log_that_is_missing_or_a_folder_is_told(tmp_path: Path) -> None:
    for path in (tmp_path / "none.log", tmp_path, "\0"):
        with pytest.raises(UsageError, match="cannot be read"):
            read_log(path)
