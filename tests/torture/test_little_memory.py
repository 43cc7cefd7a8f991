"""Too little memory, as limits of the address space: told in a sentence, nothing lost, no part of a file left."""

from __future__ import annotations

import os
import random
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import killed
from support.by_name import load_model
from support.recorded_run import checked_run, recorded_run
from support.repository import ROOT
from support.terminal import Terminal
from support.torture_figures import record

from mechamap.runs.run import Run
from mechamap.system.room import ARRAYS, EXPLORER, MODELS, TABLES

from .test_kills import SCALE, assert_same

LOADER = 127  # the exit code of the dynamic linker where it finds no memory for a library
READERS = {
    "export": (("export", "{run}", "--format", "csv", "--out", "{out}", "--overwrite"), TABLES),
    "parquet": (("export", "{run}", "--format", "parquet", "--out", "{out}", "--overwrite"), TABLES),
    "interpret": (("interpret", "{run}", "--format", "json", "--out", "{out}", "--overwrite"), TABLES),
    "compare": (("compare", "{run}", "{run}", "--format", "json", "--out", "{out}", "--overwrite"), TABLES),
    "show": (("runs", "show", "{run}"), ARRAYS),
    "doctor": (("doctor", "{run}"), ARRAYS),
}


def ladder(count: int, lowest: float, highest: float, seed: int) -> Iterator[int]:
    """So many limits in bytes, spread between two."""
    rng, total = random.Random(seed), max(int(count * SCALE), 2)
    for rung in range(total):
        yield int(lowest + (highest - lowest) * (rung + rng.random()) / total)


def limited(limit: int, *words: str) -> subprocess.CompletedProcess[str]:
    """A command that may take so many bytes of address space."""
    return subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "mechamap", *words],
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "MECHAMAP_LOG": "off"},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit)),
        capture_output=True, text=True, timeout=180, check=False,
    )  # fmt: skip


def told(limit: int, done: subprocess.CompletedProcess[str], *, native: bool = False) -> bool:
    """Whether a command was refused, which it must have said in our words.

    Args:
        native: whether it may also be ended by a library, which no Python code can hinder.
    """
    said = f"{limit / 1e6:.0f} MB: {done.returncode}, {done.stderr[-600:]}"
    if native and done.returncode in (-signal.SIGABRT, -signal.SIGSEGV, LOADER):
        assert "Traceback" not in done.stderr, said
        record("little memory, ended by a library", 1)
        return True
    assert done.returncode in (0, 1), said
    assert "Traceback" not in done.stderr and "should not have" not in done.stderr, said
    assert done.returncode == 0 or "error: " in done.stderr, said
    record("little memory", 1)
    return done.returncode == 1


def contents(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


@pytest.mark.timeout(600)
@pytest.mark.parametrize("command", READERS)
def test_what_reads_a_run_says_so_and_leaves_what_was_there(tmp_path: Path, command: str) -> None:
    words, room = READERS[command]
    checked_run(tmp_path / "run")
    before, refused = contents(tmp_path / "run"), 0
    for limit in ladder(12, 20e6, 1.4 * room.bytes, seed=len(command)):
        out = tmp_path / "out"
        out.write_text("what was there")
        if told(limit, limited(limit, *(word.format(run=tmp_path / "run", out=out) for word in words))):
            refused += 1
            assert out.read_text() == "what was there"
        assert contents(tmp_path / "run") == before
        assert sorted(file.name for file in tmp_path.iterdir()) == ["out", "run"]
    assert refused


@pytest.mark.timeout(900)
def test_a_scan_says_so_and_is_gone_on_with(tmp_path: Path) -> None:
    loaded = load_model("demo", device="cpu")
    whole = killed.scanned(loaded, tmp_path / "whole")
    for number, limit in enumerate(ladder(8, 0.97 * MODELS.bytes, 1.1 * MODELS.bytes, seed=1)):
        folder = tmp_path / str(number)
        done = limited(limit, "scan", "demo", "--no-second-text", "--keep-activations", "always", "--out", str(folder))
        if told(limit, done, native=True):
            killed.scanned(loaded, folder, resume=(folder / "run.json").exists())
        assert_same(Run.open(folder), whole, tuple(rows.layer for rows in whole.layers))
        assert not [file for file in folder.rglob("*") if file.name.endswith((".new", ".part"))]


@pytest.mark.timeout(900)
def test_a_confirmation_says_so_and_the_run_is_as_it_was(tmp_path: Path) -> None:
    killed.scanned(load_model("demo", device="cpu"), tmp_path / "run")
    before = contents(tmp_path / "run")
    for limit in ladder(5, 0.97 * MODELS.bytes, 1.1 * MODELS.bytes, seed=2):
        if told(limit, limited(limit, "confirm", str(tmp_path / "run")), native=True):
            assert contents(tmp_path / "run") == before
        else:
            assert Run.open(tmp_path / "run").record.confirmation is not None
            return


@pytest.mark.timeout(600)
def test_the_explorer_opens_or_says_so(tmp_path: Path) -> None:
    recorded_run(tmp_path / "home" / "runs" / "tiny-1")
    before = contents(tmp_path / "home" / "runs")
    for limit in ladder(10, 20e6, 1.3 * EXPLORER.bytes, seed=3):
        prefix = ("/bin/sh", "-c", f'ulimit -v {limit // 1024}; exec "$0" "$@"')
        with Terminal(["tiny-1"], tmp_path / "home", columns=120, rows=30, prefix=prefix) as terminal:
            while terminal.process.isalive() and "2 Neurons" not in terminal.text:
                terminal.read(0.1)
            if terminal.process.isalive():
                terminal.press("ctrl+q")
            code, said = terminal.ended(), bytes(terminal.written)
        assert b"Traceback" not in said, limit
        assert code == 0 or (code == 1 and b"mechamap-tui: " in said), (limit, code, said[-500:])
        assert contents(tmp_path / "home" / "runs") == before
        record("little memory", 1)
