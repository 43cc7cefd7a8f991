"""Adding to a run: all of it or nothing, whatever goes wrong."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.recorded_run import confirmation, recorded_run

from mechamap.errors import RunError
from mechamap.runs.additions import add_to_run
from mechamap.runs.checked import Causes, Confirmation
from mechamap.runs.lock import RunLock
from mechamap.runs.run import Run

Monkeypatch = pytest.MonkeyPatch


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    recorded_run(tmp_path / "run")
    return tmp_path / "run"


def files_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def new_figures() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    return {name: rng.uniform(size=(48, 3)) for name in ("p", "held_out_auroc")}


def test_figures_and_members_are_added_and_everything_else_stays(folder: Path) -> None:
    before, kept, figures = Run.open(folder), files_of(folder), new_figures()
    run = add_to_run(folder, figures, confirmation=confirmation(7))
    for name, values in figures.items():
        stored = np.load(folder / f"{name}.npy", allow_pickle=False)
        assert stored.dtype == np.float32
        np.testing.assert_array_equal(stored, values.astype(np.float32))
        np.testing.assert_array_equal(run.figure(name), stored)
    assert run.record.figures == (*before.record.figures, "p", "held_out_auroc")
    assert run.record.confirmation == confirmation(7)
    assert run.record.tokens == before.record.tokens
    now = files_of(folder)
    assert set(now) == set(kept) | {"p.npy", "held_out_auroc.npy"}
    assert {name for name in kept if now[name] != kept[name]} == {"run.json"}


def test_a_figure_that_is_there_is_replaced_and_an_open_run_keeps_what_it_mapped(folder: Path) -> None:
    first = add_to_run(folder, {"p": np.full((48, 3), 0.5)})
    mapped = first.figure("p")
    second = add_to_run(folder, {"p": np.full((48, 3), 0.25)})
    assert second.record.figures.count("p") == 1
    assert (second.figure("p") == 0.25).all()
    assert (mapped == 0.5).all()
    assert first.refresh()
    assert (first.figure("p") == 0.25).all()


def test_members_alone_can_be_changed(folder: Path) -> None:
    run = add_to_run(folder, {}, causes=Causes(positions="somewhere"))
    assert run.record.causes == Causes(positions="somewhere")


@pytest.mark.parametrize("failing", ["first array", "second array", "record", "flush"])
def test_a_disk_that_is_full_leaves_the_run_as_it_was(folder: Path, monkeypatch: Monkeypatch, failing: str) -> None:
    add_to_run(folder, {"p": np.full((48, 3), 0.5)})
    before = files_of(folder)
    full = OSError(errno.ENOSPC, "No space left on device")
    calls: list[int] = []

    def refuse(number: int, do: Any) -> Any:
        def done(*args: Any, **kwargs: Any) -> Any:
            calls.append(1)
            if len(calls) == number:
                if do is save:
                    args[0].write(b"the first part of it")
                raise full
            return do(*args, **kwargs)

        return done

    save, sync = np.save, os.fsync
    if failing in ("first array", "second array"):
        monkeypatch.setattr(np, "save", refuse(1 if failing == "first array" else 2, save))
    else:
        monkeypatch.setattr(os, "fsync", refuse(3 if failing == "record" else 2, sync))
    with pytest.raises(RunError, match="cannot be written: No space left on device") as caught:
        add_to_run(folder, new_figures(), confirmation=confirmation(7))
    monkeypatch.undo()
    assert calls
    assert "as it was" in caught.value.hint
    assert files_of(folder) == before
    assert Run.open(folder).record.confirmation is None


@pytest.mark.parametrize("moved", [0, 1, 2])
def test_a_process_that_ends_between_two_moves_leaves_a_run_whose_record_names_what_is_there(
    folder: Path, monkeypatch: Monkeypatch, moved: int
) -> None:
    before, replace, moves = Run.open(folder), Path.replace, []

    def killed(self: Path, target: Path) -> Path:
        if len(moves) == moved:
            raise SystemExit
        moves.append(target.name)
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", killed)
    with pytest.raises(SystemExit):
        add_to_run(folder, new_figures(), confirmation=confirmation(7))
    monkeypatch.undo()
    run = Run.open(folder)
    assert run.record == before.record
    for name in run.record.figures:
        np.testing.assert_array_equal(run.figure(name), before.figure(name))


def test_a_folder_that_is_gone_is_an_error_with_a_hint(folder: Path) -> None:
    with pytest.raises(RunError, match="cannot be written"):
        add_to_run(folder / "nowhere", new_figures())


@pytest.mark.skipif(os.name == "nt", reason="there are no such locks there")
def test_a_run_that_another_writes_is_left_alone(folder: Path) -> None:
    before = files_of(folder)
    with RunLock(folder), pytest.raises(RunError, match="is writing to"):
        add_to_run(folder, new_figures())
    assert {**files_of(folder), ".lock": b""} == {**before, ".lock": b""}
    assert add_to_run(folder, new_figures()).has("p")  # and once it is done, not


def test_figures_of_another_run_are_not_taken(folder: Path) -> None:
    before = files_of(folder)
    with pytest.raises(ValueError, match="p has 47 rows; the run has 48 neurons"):
        add_to_run(folder, {"held_out_auroc": np.ones((48, 3)), "p": np.ones((47, 3))})
    assert {name: its for name, its in files_of(folder).items() if name != ".lock"} == {
        name: its for name, its in before.items() if name != ".lock"
    }


def test_whoever_reads_meanwhile_finds_the_run_as_it_was_or_as_it_is(folder: Path) -> None:
    """Another process adds figures again and again, each time with a record that says which."""
    writer = (
        "import sys, numpy as np\nfrom pathlib import Path\nfrom mechamap.runs.additions import add_to_run\n"
        "from mechamap.runs.checked import Confirmation\n"
        "for number in range(40):\n"
        "    checked = Confirmation(number, 1, 0, (), 1, 48)\n"
        "    add_to_run(Path(sys.argv[1]), {'p': np.full((48, 3), number)}, confirmation=checked)\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    seen: set[int] = set()
    with subprocess.Popen([sys.executable, "-c", writer, str(folder)], env=environment) as process:
        while process.poll() is None:
            run = Run.open(folder)
            if run.record.confirmation is not None:
                number = run.record.confirmation.permutations
                values = np.unique(run.figure("p"))
                assert len(values) == 1  # never a part of one
                assert values[0] >= number  # what the record names is there by then
                seen.add(number)
        assert process.returncode == 0
    assert seen
    assert Run.open(folder).record.confirmation == Confirmation(39, 1, 0, (), 1, 48)
