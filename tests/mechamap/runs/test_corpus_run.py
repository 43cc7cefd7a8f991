"""A run over a corpus on disk: published anew under a reader, damaged, salvaged."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from support.made_corpus_run import DOCUMENTS, made_corpus_run

from mechamap.errors import RunError
from mechamap.figures.contexts import contexts_of, has_contexts
from mechamap.runs.gate.salvage import examined, salvage
from mechamap.runs.run import Run


def test_pieces_are_those_of_the_documents(tmp_path: Path) -> None:
    run = made_corpus_run(tmp_path / "run")
    pieces = run.record.tokens.pieces
    whole = pieces[:]
    assert "".join(whole) == "".join(DOCUMENTS)
    assert [pieces[position] for position in range(len(pieces))] == whole
    assert pieces[-1] == whole[-1]
    assert pieces[3:40] == whole[3:40], "over the ends of stretches"
    assert pieces[::7] == whole[::7]
    with pytest.raises(IndexError):
        pieces[len(pieces)]


@pytest.mark.parametrize(
    ("file", "damage"),
    [
        ("ids.npy", lambda path: path.unlink()),
        ("sizes.npy", lambda path: path.write_bytes(path.read_bytes()[:140])),
        ("windows.npy", lambda path: np.save(path, np.zeros((3, 4), np.int64))),
        ("offsets.npy", lambda path: np.save(path, np.zeros(2, np.int64))),
    ],
)
def test_damaged_tokens_are_refused_and_salvaged_without_contexts(
    tmp_path: Path, file: str, damage: Callable[[Path], None]
) -> None:
    run = made_corpus_run(tmp_path / "run")
    assert run.path is not None
    assert run.record.corpus is not None
    damage(run.path / run.record.corpus.kept / file)
    with pytest.raises(RunError):
        Run.open(run.path)
    left_out = salvage(run.path, tmp_path / "saved")
    assert [each.where for each in left_out] == [run.record.corpus.kept]
    saved = Run.open(tmp_path / "saved")
    assert not has_contexts(saved)
    assert saved.column("selectivity", "food").tolist() == run.column("selectivity", "food").tolist()


def test_positions_that_are_not_kept_are_found_and_left_out(tmp_path: Path) -> None:
    run = made_corpus_run(tmp_path / "run")
    assert run.path is not None
    positions = np.load(run.path / "lowest_positions.npy")
    positions[2, 0] = 57
    np.save(run.path / "lowest_positions.npy", positions)
    opened = Run.open(run.path)
    assert all(context.position < 57 for group in contexts_of(opened, 2) for context in group.contexts)
    record, damages = examined(run.path)
    assert [each.where for each in damages] == ["lowest_positions.npy"]
    assert record is not None
    assert "lowest_values" not in record.figures


def test_a_sound_run_is_copied_whole(tmp_path: Path) -> None:
    run = made_corpus_run(tmp_path / "run")
    assert run.path is not None
    assert salvage(run.path, tmp_path / "saved") == []
    saved = Run.open(tmp_path / "saved")
    assert saved.record == run.record or saved.record.corpus == run.record.corpus
    assert contexts_of(saved, 5) == contexts_of(run, 5)
    shutil.rmtree(run.path)
    assert saved.context(contexts_of(saved, 5)[0].contexts[0].position, 20)[1]


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("histogram", np.zeros((12, 63), np.int64)),
        ("range_lower", np.zeros((12, 4), np.float32)),
        ("range_positions", np.zeros((12, 19), np.int32)),
        ("range_values", np.zeros((12, 15), np.float32)),
        ("highest_positions", np.zeros((12, 3), np.float32)),
        ("lowest_values", np.zeros(12, np.float32)),
    ],
)
def test_figures_of_another_shape_are_refused(tmp_path: Path, name: str, values: np.ndarray) -> None:
    run = made_corpus_run(tmp_path / "run")
    assert run.path is not None
    np.save(run.path / f"{name}.npy", values)
    with pytest.raises(RunError):
        Run.open(run.path).figure(name)
