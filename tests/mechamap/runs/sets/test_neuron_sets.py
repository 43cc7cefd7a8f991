"""Sets of neurons are kept among a run's notes, beside marks and whatever else is there."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.recorded_run import recorded_run

from mechamap.errors import MechaMapError, RunError, TextError, UsageError
from mechamap.runs.kept.notes import Notes
from mechamap.runs.neuron_names import parse_neuron
from mechamap.runs.sets.neuron_sets import NeuronSet, read_sets, sets_to_bytes

FRUIT = NeuronSet.of("fruit", ["L1.N7", "l0n3", "L1.N7"], " reads fruit\n")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    recorded_run(tmp_path / "run")
    return tmp_path / "run"


def test_a_set_has_each_neuron_once_in_order() -> None:
    assert [str(neuron) for neuron in FRUIT.neurons] == ["L1.N7", "L0.N3"]
    assert FRUIT.note == "reads fruit"


def test_a_set_is_there_when_the_run_is_opened_again(folder: Path) -> None:
    notes = Notes(folder)
    notes.mark("L1.N7")
    notes.write_set(FRUIT)
    notes.write_set(NeuronSet.of("other", ["L0.E1.N2"]))
    assert Notes(folder).sets == (FRUIT, NeuronSet.of("other", ["L0.E1.N2"]))
    assert Notes(folder).named_set(" fruit ") == FRUIT
    notes.remove_set("other")
    assert Notes(folder).sets == (FRUIT,)
    assert Notes(folder).marked == ("L1.N7",)


def test_marks_and_sets_of_two_writers_do_not_undo_each_other(folder: Path) -> None:
    one, other = Notes(folder), Notes(folder)
    one.write_set(FRUIT)
    other.mark("L0.N3")
    one.write_note("L0.N3", "here")
    again = Notes(folder)
    assert (again.sets, again.marked, again.note("L0.N3")) == ((FRUIT,), ("L0.N3",), "here")


def test_notes_without_sets_are_read_and_written_as_before(folder: Path) -> None:
    file = folder / "notes.json"
    file.write_text(json.dumps({"format": 1, "neurons": {"L1.N7": {"marked": True}}}))
    notes = Notes(folder)
    assert notes.sets == ()
    notes.mark("L0.N3")
    assert json.loads(file.read_text()) == {
        "format": 1,
        "neurons": {"L1.N7": {"marked": True}, "L0.N3": {"marked": True}},
    }


def test_what_a_newer_version_keeps_beside_them_stays(folder: Path) -> None:
    file = folder / "notes.json"
    file.write_text(json.dumps({"format": 1, "neurons": {}, "views": {"mine": [1, 2]}}))
    Notes(folder).write_set(FRUIT)
    assert json.loads(file.read_text())["views"] == {"mine": [1, 2]}


@pytest.mark.parametrize(
    "sets", [[], {"a": {}}, {"a": {"neurons": ["x"]}}, {"a": {"neurons": [3]}}, {"": {"neurons": ["L0.N1"]}}]
)
def test_a_file_with_sets_that_are_none_is_left_alone(folder: Path, sets: object) -> None:
    file = folder / "notes.json"
    text = json.dumps({"neurons": {}, "sets": sets})
    file.write_text(text)
    with pytest.raises(RunError, match="does not hold marks and notes"):
        Notes(folder)
    assert file.read_text() == text


def test_an_unknown_set_is_told_with_those_there_are(folder: Path) -> None:
    notes = Notes(folder)
    with pytest.raises(UsageError, match="The run has no sets of neurons"):
        notes.named_set("fruit")
    notes.write_set(FRUIT)
    with pytest.raises(UsageError, match="Unknown set 'friut'; choose fruit"):
        notes.named_set("friut")


@pytest.mark.parametrize("name", ["", "  ", "a\nb", "\x1b[31m", "x" * 81])
def test_names_that_cannot_be_shown_are_refused(name: str) -> None:
    with pytest.raises(UsageError, match="cannot be the name of a set"):
        NeuronSet.of(name, ["L0.N1"])


def test_sets_travel_in_a_file_of_their_own(tmp_path: Path) -> None:
    sets = (FRUIT, NeuronSet.of("Größe", [parse_neuron("L0.E3.N1")]))
    (tmp_path / "sets.json").write_bytes(sets_to_bytes(sets))
    assert read_sets(tmp_path / "sets.json") == sets


@pytest.mark.parametrize("text", ["", "{", "[]", '{"sets": 3}', '{"sets": {"a": {"neurons": []}}}', "\x00"])
def test_a_file_that_holds_no_sets_is_told(tmp_path: Path, text: str) -> None:
    (tmp_path / "sets.json").write_text(text)
    with pytest.raises(MechaMapError):
        read_sets(tmp_path / "sets.json")
    with pytest.raises(TextError):
        read_sets(tmp_path / "missing.json")
