"""The log says what a process did, never what the user wrote, and gets in nobody's way."""

from __future__ import annotations

import logging
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mechamap.events import LayerFinished, ScanEvent, ScanFinished, Stage, StageEntered
from mechamap.system.event_log import logged
from mechamap.system.log import LEVELS, log_file, start_log

SECRET = "xylophonic"


@pytest.fixture(autouse=True)
def own_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A data folder of the test's own, and the logger as it was afterwards."""
    logger = logging.getLogger("mechamap")
    before = logger.handlers[:], logger.level, logger.propagate
    monkeypatch.setenv("MECHAMAP_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("MECHAMAP_LOG", raising=False)
    yield
    for handler in logger.handlers:
        handler.close()
    logger.handlers[:], logger.propagate = before[0], before[2]
    logger.setLevel(before[1])


def lines() -> list[str]:
    return log_file().read_text(encoding="utf-8").splitlines() if log_file().exists() else []


def test_a_line_has_its_time_level_process_and_module() -> None:
    start_log("scan")
    logging.getLogger("mechamap.models.loading.hub").warning("the cache is used")
    assert " INFO    scan[" in lines()[0] and "version " in lines()[0]
    assert lines()[1].endswith("mechamap.models.loading.hub: the cache is used")
    assert lines()[1][10] == "T" and "Z WARNING scan[" in lines()[1]


@pytest.mark.parametrize(("level", "written"), [("debug", 3), ("info", 2), ("warning", 1), ("error", 0), ("off", 0)])
def test_the_environment_says_how_much_is_written(level: str, written: int, monkeypatch: pytest.MonkeyPatch) -> None:
    assert level in LEVELS
    monkeypatch.setenv("MECHAMAP_LOG", level)
    start_log("scan")
    logger = logging.getLogger("mechamap.scan")
    logger.debug("a layer")
    logger.warning("a fallback")
    assert len(lines()) == written


def test_an_unknown_level_counts_as_info_and_is_mentioned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MECHAMAP_LOG", "loud")
    start_log("scan")
    assert len(lines()) == 2 and "MECHAMAP_LOG is not one of debug, info" in lines()[1]


def test_a_log_that_cannot_be_written_stops_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "home").write_text("a file where the folder would be")
    start_log("scan")
    logging.getLogger("mechamap").error("into the void")
    assert capsys.readouterr() == ("", "")


def test_a_folder_that_goes_away_meanwhile_stops_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    start_log("scan")
    log_file().unlink()
    logging.getLogger("mechamap").handlers[0].close()
    log_file().parent.rmdir()
    logging.getLogger("mechamap").error("into the void")
    assert capsys.readouterr() == ("", "")


def test_the_file_rotates(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mechamap.system.log._BYTES", 2_000)
    start_log("scan")
    for _ in range(200):
        logging.getLogger("mechamap").info("a line of some length, so that files fill up")
    assert sorted(path.name for path in log_file().parent.iterdir()) == [
        "mechamap.log", "mechamap.log.1", "mechamap.log.2", "mechamap.log.3",
    ]  # fmt: skip
    assert log_file().stat().st_size <= 2_000


def test_events_are_logged_and_handed_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MECHAMAP_LOG", "debug")
    start_log("scan")
    heard: list[ScanEvent] = []
    events = (
        StageEntered(Stage.LOAD, SECRET),
        StageEntered(Stage.PASS, SECRET),
        StageEntered(Stage.PASS, SECRET),
        LayerFinished(0, 1, 2, 640),
        ScanFinished(tmp_path / SECRET, "complete", {"pass": 1.5}),
    )
    tell = logged(heard.append, "scan")
    for event in events:
        tell(event)
    assert heard == list(events)
    told = [line.partition(": ")[2] for line in lines()[1:]]
    assert told[0] == "scan: load" and told[1].startswith("scan: load took ")
    assert told[2:] == ["scan: pass", "scan: layer 0, 1 of 2", "scan: complete (pass 1.50 s)"]
    assert SECRET not in log_file().read_text()


def test_a_real_scan_leaves_its_stages_in_the_log_and_none_of_the_users_text(tmp_path: Path) -> None:
    text = tmp_path / "text.txt"
    text.write_text(f"An apple and a banana, said {SECRET}.")
    scan = [sys.executable, "-m", "mechamap", "scan", "demo", "--text", str(text), "--layers", "0"]
    done = subprocess.run([*scan, "--out", str(tmp_path / "run")], capture_output=True, text=True, check=True)
    assert "mechamap.log" not in done.stderr and "INFO" not in done.stderr + done.stdout
    subprocess.run([*scan, "--layers", SECRET], capture_output=True, check=False)
    log = log_file().read_text()
    assert all(f"scan: {stage}" in log for stage in ("load", "prove", "tokenize", "pass", "write"))
    assert "scan: complete (load " in log
    assert "refused: UsageError from " in log
    assert SECRET not in log and "banana" not in log
