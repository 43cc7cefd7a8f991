"""What is wrong with a damaged run is said, and all that is good of it can be copied."""

from __future__ import annotations

import json
import random
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.damage import damage_run
from support.recorded_run import checked_run

from mechamap.cli.main import main
from mechamap.errors import RunError
from mechamap.figures.findings import confirmed
from mechamap.runs.gate.salvage import examined, salvage
from mechamap.runs.run import Run


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    checked_run(tmp_path / "run")
    (tmp_path / "run" / "notes.json").write_text(json.dumps({"format": 1, "neurons": {"L0.N3": {"note": "mine"}}}))
    return tmp_path / "run"


def change(folder: Path, **members: Any) -> None:
    file = folder / "run.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | members))


def test_nothing_is_wrong_with_a_whole_run_and_its_copy_is_the_same(folder: Path, tmp_path: Path) -> None:
    assert examined(folder)[1] == []
    assert salvage(folder, tmp_path / "copy") == []
    before, after = Run.open(folder), Run.open(tmp_path / "copy")
    assert after.record == before.record
    for name in before.record.figures:
        np.testing.assert_array_equal(after.figure(name), before.figure(name))
    assert (tmp_path / "copy" / "notes.json").read_text() == (folder / "notes.json").read_text()


def test_what_cannot_be_used_is_named_and_left_out_and_the_rest_is_kept(folder: Path, tmp_path: Path) -> None:
    change(folder, second_looks="x", timings={"pass": None})
    (folder / "d.npy").write_bytes(b"\x93NUMPY")
    (folder / "notes.json").write_text("[]")
    with pytest.raises(RunError, match="second_looks"):
        Run.open(folder)
    damages = salvage(folder, tmp_path / "good")
    wrong = {damage.where for damage in damages}
    assert wrong == {"run.json, second_looks", "run.json, timings", "d.npy", "notes.json"}
    run = Run.open(tmp_path / "good")
    assert not run.has("d") and run.has("ap") and confirmed(run, "food").any()
    assert not (tmp_path / "good" / "notes.json").exists()


def test_figures_of_a_check_go_with_its_record(folder: Path, tmp_path: Path) -> None:
    change(folder, confirmation={"permutations": "many"})
    salvage(folder, tmp_path / "good")
    run = Run.open(tmp_path / "good")
    assert run.record.confirmation is None and not run.has("p") and run.has("selectivity")


def test_a_layer_that_has_no_values_counts_as_unfinished(folder: Path, tmp_path: Path) -> None:
    for name in Run.open(folder).record.figures:
        values = np.load(folder / f"{name}.npy")
        if values.dtype.kind == "f":
            values[16:32] = np.nan
            np.save(folder / f"{name}.npy", values)
    assert [damage.where for damage in salvage(folder, tmp_path / "good")] == ["layer 1"]
    run = Run.open(tmp_path / "good")
    assert [rows.layer for rows in run.complete_layers] == [0, 2] and run.record.state == "cancelled"


@pytest.mark.parametrize("text", ["", "{", "[]", '{"format": 1}', "[" * 100_000])
def test_where_nothing_can_be_read_that_is_said(folder: Path, tmp_path: Path, text: str) -> None:
    (folder / "run.json").write_text(text)
    record, damages = examined(folder)
    assert record is None and damages
    with pytest.raises(RunError, match="cannot be salvaged"):
        salvage(folder, tmp_path / "good")
    assert not (tmp_path / "good").exists()


def test_whatever_is_salvaged_can_be_opened(folder: Path, tmp_path: Path) -> None:
    saved = 0
    for seed in range(60):
        run, out = tmp_path / f"run{seed}", tmp_path / f"out{seed}"
        shutil.copytree(folder, run)
        damage_run(run, random.Random(seed))
        try:
            salvage(run, out)
        except RunError:
            continue
        opened = Run.open(out)
        assert examined(out)[1] == []
        assert all(len(opened.figure(name)) == opened.neurons for name in opened.record.figures)
        saved += 1
    assert saved > 30


def test_the_command_says_what_is_wrong_and_saves_what_is_good(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["doctor", str(folder)]) == 0
    assert capsys.readouterr().out == f"Nothing is wrong with {folder}.\n"
    (folder / "d.npy").unlink()
    assert main(["doctor", str(folder)]) == 1
    said = capsys.readouterr()
    assert said.out.startswith("d.npy: ") and "--salvage OUT copies what is good" in said.err
    assert main(["doctor", str(folder), "--salvage", str(tmp_path / "good")]) == 0
    assert not Run.open(tmp_path / "good").has("d")
    assert main(["doctor", str(folder), "--salvage", str(tmp_path / "good")]) == 1
    assert "exists already" in capsys.readouterr().err
    assert main(["doctor", "demo", "--salvage", str(tmp_path / "other")]) == 2
