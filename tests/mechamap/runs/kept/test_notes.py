"""Marks and notes are kept beside the run, and never lost to another writer or a damaged file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.recorded_run import recorded_run

from mechamap.errors import RunError
from mechamap.runs.kept.notes import Notes
from mechamap.system import atomic


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    recorded_run(tmp_path / "run")
    return tmp_path / "run"


def test_a_mark_and_a_note_are_there_when_the_run_is_opened_again(folder: Path) -> None:
    notes = Notes(folder)
    notes.mark("L1.N7")
    notes.write_note("L1.N7", "  fires on food \n")
    again = Notes(folder)
    assert again.marked == ("L1.N7",)
    assert again.is_marked("L1.N7")
    assert again.note("L1.N7") == "fires on food"


def test_what_is_taken_away_leaves_nothing_behind(folder: Path) -> None:
    notes = Notes(folder)
    notes.mark("L1.N7")
    notes.write_note("L1.N7", "x")
    notes.mark("L1.N7", False)
    notes.write_note("L1.N7", "")
    assert json.loads((folder / "notes.json").read_text())["neurons"] == {}
    assert not Notes(folder).is_marked("L1.N7")


def test_two_writers_do_not_undo_each_other(folder: Path) -> None:
    one, other = Notes(folder), Notes(folder)
    one.mark("L0.N3")
    other.mark("L2.N11")
    one.write_note("L1.N7", "mine")
    assert set(Notes(folder).marked) == {"L0.N3", "L2.N11"}
    assert Notes(folder).note("L1.N7") == "mine"


def test_what_a_newer_version_wrote_for_a_neuron_is_kept(folder: Path) -> None:
    file = folder / "notes.json"
    file.write_text(json.dumps({"format": 1, "neurons": {"L1.N7": {"label": "food", "marked": True}}}))
    notes = Notes(folder)
    notes.write_note("L1.N7", "bread")
    notes.mark("L1.N7", False)
    assert json.loads(file.read_text())["neurons"] == {"L1.N7": {"label": "food", "note": "bread"}}


def test_no_temporary_file_is_left(folder: Path) -> None:
    before = {path.name for path in folder.iterdir()}
    Notes(folder).mark("L1.N7")
    assert {path.name for path in folder.iterdir()} - before == {"notes.json", ".notes.lock"}


@pytest.mark.parametrize("content", ["{", "[]", '{"neurons": 3}', '{"neurons": {"L1.N7": 3}}', "{}"])
def test_a_damaged_file_is_reported_and_not_overwritten(folder: Path, content: str) -> None:
    file = folder / "notes.json"
    notes = Notes(folder)
    file.write_text(content)
    with pytest.raises(RunError, match=r"notes\.json"):
        Notes(folder)
    with pytest.raises(RunError):
        notes.mark("L1.N7")
    assert file.read_text() == content
    assert notes.is_marked("L1.N7"), "the mark is kept in memory"


def test_a_file_that_cannot_be_written_is_reported_and_the_note_kept_in_memory(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    notes = Notes(folder)
    monkeypatch.setattr(atomic, "own_name", lambda name: f".{name}.part")
    (folder / ".notes.json.part").mkdir()  # stands where the new file is written
    with pytest.raises(RunError, match="cannot be written"):
        notes.write_note("L1.N7", "x")
    assert notes.note("L1.N7") == "x"
    assert not (folder / "notes.json").exists()


def test_a_run_without_a_folder_keeps_them_in_memory(tmp_path: Path) -> None:
    for place in (None, tmp_path / "some.csv", tmp_path):
        notes = Notes(place)
        notes.mark("L1.N7")
        assert notes.is_marked("L1.N7")
    assert list(tmp_path.iterdir()) == []
