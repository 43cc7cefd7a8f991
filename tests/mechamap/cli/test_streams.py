"""``mechamap`` where standard output leads nowhere: a full disk, a stream that is closed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.recorded_run import recorded_run
from support.repository import ROOT

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
