"""Processes killed at random moments: runs stay readable and can be gone on with, and nothing acknowledged is lost."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from support import killed
from support.by_name import load_model
from support.corpus_text import documents, write_corpus
from support.plain_corpus import differences
from support.recorded_run import recorded_run
from support.repository import ROOT
from support.torture_figures import record

from mechamap.exports.registry import ExportRequest, export_run
from mechamap.runs.kept.notes import Notes
from mechamap.runs.run import Run

SCALE = float(os.environ.get("MECHAMAP_TORTURE", "1"))
BATCH = 25


def batches(count: int) -> list[tuple[int, int]]:
    total = max(int(count * SCALE), 1)
    return [(first, min(first + BATCH, total)) for first in range(0, total, BATCH)]


def run_killed(what: str, *words: object) -> str:
    path = os.pathsep.join([str(ROOT), str(ROOT / "tests"), os.environ.get("PYTHONPATH", "")])
    return subprocess.run(
        [sys.executable, "-W", "ignore", killed.__file__, what, *map(str, words)],
        env={**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE, text=True, timeout=900, check=True,
    ).stdout  # fmt: skip


def assert_same(run: Run, whole: Run, layers: tuple[int, ...]) -> None:
    """The rows of some layers are those of a scan that nothing happened to."""
    for rows in (whole.layer_rows(layer).rows for layer in layers):
        for name in whole.record.figures:
            np.testing.assert_array_equal(run.figure(name)[rows], whole.figure(name)[rows], err_msg=name)


@pytest.mark.timeout(1200)
@pytest.mark.parametrize(("first", "last"), batches(200))
def test_a_killed_scan_keeps_its_layers_and_is_gone_on_with(tmp_path: Path, first: int, last: int) -> None:
    run_killed("scans", tmp_path, first, last)
    whole, loaded = Run.open(tmp_path / "whole"), load_model("demo", device="cpu")
    kept = 0
    for seed in range(first, last):
        folder = tmp_path / str(seed)
        if (folder / "run.json").exists():
            run = Run.open(folder)
            complete = tuple(rows.layer for rows in run.complete_layers)
            assert_same(run, whole, complete)
            kept += len(complete)
            killed.scanned(loaded, folder, resume=True)
        else:
            killed.scanned(loaded, folder)
        assert_same(Run.open(folder), whole, tuple(rows.layer for rows in whole.layers))
        left = {file.name for file in folder.rglob("*") if file.name.endswith((".new", ".part"))}
        assert left == set()
    assert kept, "none was killed after its first layer"
    record("killed scans", last - first)


@pytest.mark.timeout(1200)
@pytest.mark.parametrize(("first", "last"), batches(40))
def test_a_killed_scan_over_a_corpus_comes_to_the_same_end(tmp_path: Path, first: int, last: int) -> None:
    corpus = write_corpus(tmp_path / "corpus.jsonl", documents())
    run_killed("corpora", corpus, tmp_path, first, last)
    whole, loaded = Run.open(tmp_path / "whole"), load_model("demo", device="cpu")
    kept = 0
    for seed in range(first, last):
        folder = tmp_path / str(seed)
        resume = (folder / "run.json").exists()
        if resume and (corpus_record := Run.open(folder).record.corpus) is not None:
            kept += corpus_record.merged
        if not resume or Run.open(folder).record.state != "complete":
            killed.corpus_scanned(loaded, corpus, folder, resume=resume)
        assert differences(Run.open(folder), whole) == []
    assert kept, "none was killed after its first shard"


@pytest.mark.timeout(600)
@pytest.mark.parametrize(("first", "last"), batches(50))
def test_a_killed_export_leaves_the_old_file_or_the_new_one(tmp_path: Path, first: int, last: int) -> None:
    run = recorded_run(tmp_path / "run")
    whole = set()
    for format in killed.FORMATS:
        export_run(run, tmp_path / "whole", ExportRequest(format), overwrite=True)
        whole.add((tmp_path / "whole").read_bytes())
    (tmp_path / "out").mkdir()
    for seed in range(first, last):
        run_killed("exports", tmp_path / "run", tmp_path / "out" / "figures", seed, seed + 1)
        assert not (tmp_path / "out" / "figures").exists() or (tmp_path / "out" / "figures").read_bytes() in whole
    export_run(run, tmp_path / "out" / "figures", ExportRequest("csv"), overwrite=True)
    assert [file.name for file in (tmp_path / "out").iterdir()] == ["figures"]
    record("killed exports", last - first)


@pytest.mark.timeout(600)
@pytest.mark.parametrize(("first", "last"), batches(50))
def test_no_note_that_was_kept_is_lost(tmp_path: Path, first: int, last: int) -> None:
    recorded_run(tmp_path / "run")
    acknowledged = run_killed("notes", tmp_path / "run", first, last).split()
    kept = Notes(tmp_path / "run")
    assert acknowledged and [name for name in acknowledged if kept.note(name) != "seen"] == []
    kept.mark("L0.N0")
    assert not list((tmp_path / "run").glob(".notes.json.*.part"))
    record("killed notes", last - first)


def test_two_explorers_that_write_notes_at_once_lose_none(tmp_path: Path) -> None:
    recorded_run(tmp_path / "run")
    code = (
        "import sys; from pathlib import Path; from mechamap.runs.kept.notes import Notes\n"
        "notes = Notes(Path(sys.argv[1]))\n"
        "for number in range(150): notes.mark(f'L{sys.argv[2]}.N{number}')\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "run")]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    both = [subprocess.Popen([*command, str(number)], env=environment) for number in (1, 2)]
    assert [process.wait(120) for process in both] == [0, 0]
    assert len(Notes(tmp_path / "run").marked) == 300
    record("two at once", 1)


def test_two_scans_to_one_folder_make_one_run(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "mechamap", "scan", "demo", "--no-second-text", "--out", str(tmp_path / "run")]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    both = [
        subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    said = [process.communicate(timeout=120)[1] for process in both]
    assert sorted(process.returncode for process in both) == [0, 1], said
    assert any("Another scan is writing" in text or "holds a run already" in text for text in said)
    whole = killed.scanned(load_model("demo", device="cpu"), tmp_path / "whole")
    assert_same(Run.open(tmp_path / "run"), whole, tuple(rows.layer for rows in whole.layers))
    record("two at once", 1)
