"""Disks without room, as files that may not grow beyond a size: told in a sentence, and nothing is lost."""

from __future__ import annotations

import os
import random
import resource
import subprocess
import sys
from pathlib import Path

import pytest
from support import killed
from support.by_name import load_model
from support.recorded_run import recorded_run
from support.repository import ROOT
from support.torture_figures import record

from mechamap.runs.kept.notes import Notes
from mechamap.runs.run import Run

from .test_kills import SCALE, assert_same

TRIES = max(int(24 * SCALE), 2)


def limited(bytes_: int, *words: str) -> subprocess.CompletedProcess[str]:
    """A command whose files may have so many bytes at most."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (bytes_, bytes_))

    return subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "mechamap", *words],
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "MECHAMAP_LOG": "off"},
        preexec_fn=limit, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


def assert_told(done: subprocess.CompletedProcess[str]) -> None:
    assert done.returncode == 1, done.stderr
    assert "error: " in done.stderr and "Traceback" not in done.stderr
    assert "should not have" not in done.stderr, done.stderr


@pytest.mark.timeout(900)
def test_a_scan_that_finds_no_room_says_so_and_is_gone_on_with(tmp_path: Path) -> None:
    loaded = load_model("demo", device="cpu")
    whole = killed.scanned(loaded, tmp_path / "whole")
    largest = max(file.stat().st_size for file in (tmp_path / "whole").rglob("*"))
    for seed in range(TRIES):
        folder = tmp_path / str(seed)
        size = int(random.Random(seed).uniform(0.01, 0.99) * largest)
        done = limited(size, "scan", "demo", "--no-second-text", "--keep-activations", "always", "--out", str(folder))
        assert_told(done)
        if (folder / "run.json").exists():
            assert_same(Run.open(folder), whole, tuple(rows.layer for rows in Run.open(folder).complete_layers))
            killed.scanned(loaded, folder, resume=True)
        else:
            killed.scanned(loaded, folder)
        assert_same(Run.open(folder), whole, tuple(rows.layer for rows in whole.layers))
    record("no room on the disk", TRIES)


@pytest.mark.timeout(600)
def test_exports_and_notes_that_find_no_room_leave_what_was_there(tmp_path: Path) -> None:
    run = recorded_run(tmp_path / "run")
    Notes(run.path).write_note("L0.N3", "kept")
    before = (tmp_path / "run" / "notes.json").read_bytes()
    for seed in range(TRIES):
        size = random.Random(seed).randrange(10, 2_000)
        file = tmp_path / "figures.csv"
        file.write_text("what was there")
        assert_told(limited(size, "export", str(run.path), "--out", str(file), "--overwrite"))
        assert file.read_text() == "what was there"
        code = f"from mechamap.runs.kept.notes import Notes; Notes(__import__('pathlib').Path({str(run.path)!r}))"
        note = f"{code}.write_note('L0.N3', 'x' * 5000)"
        done = subprocess.run(
            [sys.executable, "-c", note],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            preexec_fn=lambda size=size: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size)),  # type: ignore[misc]
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert "RunError" in done.stderr and "cannot be written" in done.stderr
        assert (tmp_path / "run" / "notes.json").read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["figures.csv", "run"]
    record("no room on the disk", 2 * TRIES)
