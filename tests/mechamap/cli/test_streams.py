"""``mechamap`` where standard output leads nowhere: a full disk, a stream that is closed."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from support.recorded_run import recorded_run
from support.repository import ROOT

from mechamap.cli.main import main

needs_full = pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs the device that is always full")


def mechamap(folder: Path, words: str) -> subprocess.CompletedProcess[str]:
    """Run ``mechamap`` with these words and redirections, as a shell does."""
    recorded_run(folder / "run")
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")]))
    return subprocess.run(
        ["sh", "-c", f'"{sys.executable}" -m mechamap {words}'],
        cwd=folder, env={**os.environ, "MECHAMAP_HOME": str(folder / "home"), "PYTHONPATH": path},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


@needs_full
@pytest.mark.parametrize("words", ["interpret run", "interpret run --format json", "export run"])
def test_a_disk_that_is_full_is_said(tmp_path: Path, words: str) -> None:
    done = mechamap(tmp_path, f"{words} > /dev/full")
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "error: The export failed",
        "  Not everything could be written: No space left on device.",
        "  Make room, or write it somewhere else.",
    ]


@pytest.mark.parametrize("redirection", [">&-", "2>&- > there.json"])
def test_a_closed_stream_is_no_failure(tmp_path: Path, redirection: str) -> None:
    done = mechamap(tmp_path, f"interpret run --format json {redirection}")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes have names on Unix alone")
def test_sets_are_written_into_a_pipe_and_not_in_its_place(tmp_path: Path) -> None:
    recorded_run(tmp_path / "run")
    assert main(["sets", str(tmp_path / "run"), "add", "apples", "--neuron", "L0.N3"]) == 0
    os.mkfifo(tmp_path / "pipe")
    read: list[str] = []
    reader = threading.Thread(target=lambda: read.append((tmp_path / "pipe").read_text(encoding="utf-8")))
    reader.start()
    assert main(["sets", str(tmp_path / "run"), "export", "--out", str(tmp_path / "pipe")]) == 0
    reader.join(10)
    assert '"L0.N3"' in read[0]
    assert (tmp_path / "pipe").is_fifo()
