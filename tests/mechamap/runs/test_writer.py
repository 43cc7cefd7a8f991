"""Writing a run: whatever happens, layers that are called complete are whole."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support.recorded_run import recorded_run

from mechamap.errors import RunError
from mechamap.runs.figure_names import TOKEN_FIGURES
from mechamap.runs.record import RunRecord
from mechamap.runs.run import Run
from mechamap.runs.writer import RunWriter

LAYERS, WIDTH = 40, 200

# A scan's writer, without the scan: every value of layer n is n + 1, so that a row tells which layer it is from.
WRITER = """
import sys, time
from dataclasses import replace
from pathlib import Path
import numpy as np
from mechamap.runs.run import Run
from mechamap.runs.writer import RunWriter

template, folder = Run.open(sys.argv[1]), Path(sys.argv[2])
layers = tuple(replace(layer, complete=False) for layer in template.layers)
record = replace(template.record, state="running", layers=layers)
folder.mkdir()
with RunWriter(folder, record, 5) as writer:
    for layer in record.layers:
        figures = {name: np.full_like(template.figure(name)[layer.rows], layer.layer + 1) for name in record.figures}
        writer.write_layer(layer.layer, figures)
        time.sleep(0.02)
"""


def empty(source: Run) -> RunRecord:
    """The record of ``source`` before its first layer."""
    return replace(
        source.record, state="running", layers=tuple(replace(layer, complete=False) for layer in source.layers)
    )


def rows_of(source: Run, layer: int) -> dict[str, np.ndarray]:
    rows = source.layer_rows(layer).rows
    return {name: np.array(source.figure(name)[rows]) for name in source.record.figures}


@pytest.mark.skipif(os.name == "nt", reason="processes cannot be killed like that there")
@pytest.mark.parametrize("layers_before", [1, 7, 20])
def test_a_writer_that_is_killed_leaves_a_run_whose_complete_layers_are_right(
    tmp_path: Path, layers_before: int
) -> None:
    recorded_run(tmp_path / "template", layers=LAYERS, width=WIDTH)
    command = [sys.executable, "-c", WRITER, str(tmp_path / "template"), str(tmp_path / "run")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(command, env=environment) as process:
        until = time.monotonic() + 120
        while process.poll() is None and time.monotonic() < until:
            begun = (tmp_path / "run" / "run.json").exists()
            if begun and len(Run.open(tmp_path / "run").complete_layers) >= layers_before:
                break
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL, "the writer was done before it could be killed"
    run = Run.open(tmp_path / "run")
    assert layers_before <= len(run.complete_layers) < LAYERS
    for layer in run.complete_layers:
        for figure in run.record.figures:
            assert (run.figure(figure)[layer.rows] == layer.layer + 1).all(), (layer.layer, figure)


def test_a_writer_can_go_on_where_another_was_stopped(tmp_path: Path) -> None:
    source = recorded_run(tmp_path / "source")
    (tmp_path / "run").mkdir()
    with RunWriter(tmp_path / "run", empty(source), 5) as writer:
        writer.write_layer(0, rows_of(source, 0))
        writer.finish("cancelled", "then", {})
    stopped = Run.open(tmp_path / "run")
    with RunWriter(tmp_path / "run", replace(stopped.record, state="running"), 5) as writer:
        for layer in (1, 2):
            writer.write_layer(layer, rows_of(source, layer))
        run = writer.finish("complete", "later", {"pass": 1.0})
    for figure in source.record.figures:
        assert np.array_equal(run.figure(figure), source.figure(figure))
    assert len(run.complete_layers) == 3


def test_going_on_with_figures_of_another_shape_is_refused(tmp_path: Path) -> None:
    source = recorded_run(tmp_path / "source", complete=1)
    with pytest.raises(RunError, match="top_values"):
        RunWriter(tmp_path / "source", source.record, top_k=7)
    assert np.array_equal(Run.open(tmp_path / "source").figure("mean"), source.figure("mean"), equal_nan=True)


def test_layers_written_before_a_writer_is_closed_early_are_kept(tmp_path: Path) -> None:
    source = recorded_run(tmp_path / "source")
    (tmp_path / "run").mkdir()
    with pytest.raises(ZeroDivisionError), RunWriter(tmp_path / "run", empty(source), 5) as writer:
        writer.write_layer(2, rows_of(source, 2))
        raise ZeroDivisionError
    run = Run.open(tmp_path / "run")
    assert [layer.layer for layer in run.complete_layers] == [2]
    assert np.array_equal(run.figure("d")[32:], source.figure("d")[32:])
    assert np.isnan(run.figure("d")[:32]).all()


def test_a_disk_that_fills_up_is_an_error_and_what_was_committed_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = recorded_run(tmp_path / "source")
    (tmp_path / "run").mkdir()
    writer = RunWriter(tmp_path / "run", empty(source), 5)
    writer.write_layer(0, rows_of(source, 0))
    writer.commit()

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(RunError, match="No space left"):
            writer.write_layer(1, rows_of(source, 1))
            writer.finish("complete", "then", {})
        writer.close()
        writer.close()
    run = Run.open(tmp_path / "run")
    assert [layer.layer for layer in run.complete_layers] == [0]
    assert run.record.state == "running"
    assert np.array_equal(run.figure("mean")[:16], source.figure("mean")[:16])


def test_a_folder_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    source = recorded_run(tmp_path / "source")
    with pytest.raises(RunError, match="cannot be written"):
        RunWriter(tmp_path / "missing", empty(source), 5)
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match="cannot be written"):
        RunWriter(tmp_path / "file", empty(source), 5)


def test_a_reader_of_the_run_before_is_not_disturbed_by_a_new_one_in_its_place(tmp_path: Path) -> None:
    source = recorded_run(tmp_path / "source")
    reader = Run.open(tmp_path / "source")
    before = np.array(reader.figure("mean"))
    with RunWriter(tmp_path / "source", empty(source), 5):
        assert np.array_equal(reader.figure("mean"), before)


@pytest.mark.parametrize("other", [True, False])
def test_a_folder_that_is_taken_away_is_an_error_at_the_next_commit(tmp_path: Path, other: bool) -> None:
    source = recorded_run(tmp_path / "source")
    (tmp_path / "run").mkdir()
    with RunWriter(tmp_path / "run", empty(source), 5) as writer:
        (tmp_path / "run").rename(tmp_path / "moved")
        if other:
            (tmp_path / "run" / "run.json").mkdir(parents=True)
        with pytest.raises(RunError, match="cannot be written any more"):
            writer.commit()
    assert Run.open(tmp_path / "moved").record.state == "running"


def test_rows_of_the_wrong_shape_are_a_mistake_in_the_program(tmp_path: Path) -> None:
    source = recorded_run(tmp_path / "source")
    (tmp_path / "run").mkdir()
    with RunWriter(tmp_path / "run", empty(source), 5) as writer:
        with pytest.raises(ValueError, match="mean of layer 1"):
            writer.write_layer(1, {"mean": np.zeros((15, 3), np.float32)})
        with pytest.raises(ValueError, match="fixed once a scan has started"):
            writer.update(categories=("other",))
    assert Run.open(tmp_path / "run").complete_layers == ()


def test_arrays_open_with_numpy_alone_and_hold_the_fixed_types(tmp_path: Path) -> None:
    recorded_run(tmp_path, layers=2, width=70_000, top_k=3)
    for file in tmp_path.glob("*.npy"):
        array = np.load(file, mmap_mode="r", allow_pickle=False)
        assert array.shape[0] == 140_000
        assert array.dtype == (np.int32 if file.stem.endswith("positions") else np.float32)
        if file.stem in TOKEN_FIGURES:
            assert array.shape == (140_000, 3)
    assert {file.name for file in tmp_path.iterdir() if file.name.startswith(".")} == {".lock"}


def test_problems_and_flags_of_layers_are_kept(tmp_path: Path) -> None:
    source = recorded_run(tmp_path / "source")
    (tmp_path / "run").mkdir()
    with RunWriter(tmp_path / "run", empty(source), 5) as writer:
        writer.write_layer(1, rows_of(source, 1), ("not_finite",), "Layer 1 is odd.")
    run = Run.open(tmp_path / "run")
    assert run.layer_rows(1).flags == ("not_finite",)
    assert run.record.problems == ("Layer 1 is odd.",)
