"""Records and arrays that others made: what does not hold is refused by name, before anybody reads on."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.made_corpus_run import made_corpus_run
from support.recorded_run import recorded_run

from mechamap.errors import RunError
from mechamap.figures.contexts import contexts_of
from mechamap.runs.gate.salvage import salvage
from mechamap.runs.run import Run


def change(folder: Path, what: Callable[[dict[str, Any]], object]) -> None:
    """Change the content of a run's record."""
    data = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    what(data)
    (folder / "run.json").write_text(json.dumps(data), encoding="utf-8")


@pytest.mark.parametrize(
    ("member", "what"),
    [
        ("categories", lambda data: data.update(categories=["\ud800", "food"])),
        ("model", lambda data: data["model"].update(label="\udfff\ud800")),
        (r"\\ud800", lambda data: data.update({"\ud800": 1})),
    ],
)
def test_halves_of_characters_are_refused(
    tmp_path: Path, member: str, what: Callable[[dict[str, Any]], object]
) -> None:
    recorded_run(tmp_path)
    change(tmp_path, what)
    with pytest.raises(RunError, match=f"damaged: {member} holds half of a character"):
        Run.open(tmp_path)


def test_characters_that_json_spells_in_two_halves_are_read(tmp_path: Path) -> None:
    recorded_run(tmp_path)
    change(tmp_path, lambda data: data["model"].update(label="a \N{GRINNING FACE}"))
    assert "\\ud83d" in (tmp_path / "run.json").read_text(encoding="utf-8")
    assert Run.open(tmp_path).label == "a \N{GRINNING FACE}"


@pytest.mark.parametrize("written", ["NaN", "-Infinity", "1e999"])
def test_what_is_no_number_is_refused(tmp_path: Path, written: str) -> None:
    recorded_run(tmp_path)
    change(tmp_path, lambda data: data.update(timings={"total": 123.25}))
    record = tmp_path / "run.json"
    record.write_text(record.read_text(encoding="utf-8").replace("123.25", written), encoding="utf-8")
    with pytest.raises(RunError, match=f"{written} is no number"):
        Run.open(tmp_path)


@pytest.mark.parametrize("kept", ["..", "/etc", "tokens-1/../..", "tokens-x", "tokens-1\n"])
def test_tokens_lie_in_the_run_alone(tmp_path: Path, kept: str) -> None:
    made_corpus_run(tmp_path / "run")
    change(tmp_path / "run", lambda data: data["corpus"].update(kept=kept))
    with pytest.raises(RunError, match=r"corpus\.kept is .* expected the name of a folder"):
        Run.open(tmp_path / "run")


@pytest.mark.parametrize(
    ("setting", "value"), [("contexts", 0), ("contexts", 10**9), ("sample", -1), ("occurrences", 10**12), ("seed", -5)]
)
def test_settings_by_which_memory_is_taken_are_within_their_limits(tmp_path: Path, setting: str, value: int) -> None:
    made_corpus_run(tmp_path)
    change(tmp_path, lambda data: data["config"]["corpus"].update({setting: value}))
    with pytest.raises(RunError, match=rf"config\.corpus\.{setting} is {value}; expected at least"):
        Run.open(tmp_path)


def test_a_run_over_texts_has_no_corpus_and_one_over_a_corpus_no_text(tmp_path: Path) -> None:
    made_corpus_run(tmp_path / "corpus")
    recorded_run(tmp_path / "text")
    change(tmp_path / "corpus", lambda data: data.update(format=1))
    change(tmp_path / "text", lambda data: data.update(format=2))
    with pytest.raises(RunError, match="format is 1; expected 2"):
        Run.open(tmp_path / "corpus")
    with pytest.raises(RunError, match="tokens has some"):
        Run.open(tmp_path / "text")


@pytest.mark.parametrize("name", ["ids", "sizes", "text", "windows", "offsets", "documents", "names"])
def test_tokens_in_arrays_of_another_shape_are_refused(tmp_path: Path, name: str) -> None:
    run = made_corpus_run(tmp_path)
    assert run.record.corpus is not None
    file = tmp_path / run.record.corpus.kept / f"{name}.npy"
    array = np.load(file)
    np.save(file, array[:, 0] if array.ndim == 2 else np.stack([array, array], axis=1))
    with pytest.raises(RunError, match=f"{name}.npy holds"):
        _ = Run.open(tmp_path).document_names


def test_places_of_tokens_in_a_type_that_runs_over_are_refused(tmp_path: Path) -> None:
    run = made_corpus_run(tmp_path)
    assert run.record.corpus is not None
    file = tmp_path / run.record.corpus.kept / "windows.npy"
    np.save(file, np.load(file).astype(np.uint8))
    with pytest.raises(RunError, match=r"windows\.npy holds uint8"):
        Run.open(tmp_path)


def test_a_list_without_tokens_is_none(tmp_path: Path) -> None:
    run = recorded_run(tmp_path)
    np.save(tmp_path / "top_positions.npy", np.zeros((run.neurons, 0), np.int32))
    with pytest.raises(RunError, match="no list of tokens"):
        Run.open(tmp_path).figure("top_positions")


def test_a_range_with_infinitely_many_activations_is_left_out(tmp_path: Path) -> None:
    run = made_corpus_run(tmp_path)
    counts = np.array(run.figure("range_counts"))
    counts[:, 0] = np.inf
    np.save(tmp_path / "range_counts.npy", counts)
    assert len(contexts_of(Run.open(tmp_path), 3)) == len(contexts_of(run, 3)) - 1


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes have names on Unix alone")
@pytest.mark.parametrize("name", ["mean.npy", "tokens-1/text.npy", "notes.json", "run.json"])
def test_a_pipe_in_place_of_a_file_is_waited_for_by_nobody(tmp_path: Path, name: str) -> None:
    from mechamap.runs.kept.notes import Notes

    made_corpus_run(tmp_path)
    (tmp_path / name).unlink(missing_ok=True)
    os.mkfifo(tmp_path / name)
    with pytest.raises(RunError, match=r"it is a pipe or a device|is not a run"):
        run = Run.open(tmp_path)
        run.figure("mean")
        Notes(tmp_path)


def test_salvaging_copies_the_files_of_tokens_alone(tmp_path: Path) -> None:
    made_corpus_run(tmp_path / "run")
    (tmp_path / "secret").write_text("not to be copied", encoding="utf-8")
    (tmp_path / "run" / "tokens-1" / "more").symlink_to(tmp_path / "secret")
    salvage(tmp_path / "run", tmp_path / "copy")
    assert not (tmp_path / "copy" / "tokens-1" / "more").exists()
    assert Run.open(tmp_path / "copy").record.tokens.ids == Run.open(tmp_path / "run").record.tokens.ids


def test_figures_that_were_checked_are_those_of_the_files_that_came_later(tmp_path: Path) -> None:
    recorded_run(tmp_path)
    run = Run.open(tmp_path)
    run.check_figures()
    before = np.array(run.figure("mean"))
    np.save(tmp_path / "new.npy", np.array(run.figure("d")) + 1)
    (tmp_path / "new.npy").replace(tmp_path / "d.npy")
    (tmp_path / "ap.npy").write_bytes(b"")
    np.testing.assert_array_equal(run.figure("mean"), before)
    with pytest.raises(RunError, match=r"ap\.npy"):
        run.figure("ap")
