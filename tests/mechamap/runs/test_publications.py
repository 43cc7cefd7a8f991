"""A run over a corpus that is published anew under its readers, and publications that are broken off."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from support.made_corpus_run import DOCUMENTS, Shape, begun_corpus_run, made_corpus_run

from mechamap.errors import RunError
from mechamap.figures.contexts import ContextGroup, contexts_of, has_contexts
from mechamap.runs.additions import add_to_run
from mechamap.runs.gate.salvage import salvage
from mechamap.runs.run import Run

FIRST, SECOND, END = Shape(state="running", merged=1), Shape(state="running", merged=2, seed=9), Shape(seed=11)


def shown(run: Run) -> tuple[list[tuple[ContextGroup, ...]], list[str], list[float]]:
    """Of each neuron its contexts; what stands around the highest of them; a figure."""
    contexts = [tuple(contexts_of(run, row)) for row in range(run.neurons)]
    around = ["".join(run.context(groups[0].contexts[0].position, 500)) for groups in contexts]
    return contexts, around, run.column("selectivity", "food").tolist()


def test_a_publication_is_taken_whole_and_the_one_before_stays_until_then(tmp_path: Path) -> None:
    run = made_corpus_run(tmp_path / "run", FIRST)
    before = shown(run)
    made_corpus_run(tmp_path / "run", SECOND, DOCUMENTS[::-1])
    assert shown(run) == before
    made_corpus_run(tmp_path / "run", Shape(state="running", merged=3, seed=4), DOCUMENTS)
    assert shown(run) == before, "its files are gone, and still open"
    assert run.refresh()
    assert run.record.corpus is not None
    assert run.record.corpus.merged == 3
    assert shown(run) == shown(Run.open(tmp_path / "run")) != before
    assert not run.refresh()


def test_the_first_publication_of_a_begun_run_is_taken(tmp_path: Path) -> None:
    run = begun_corpus_run(tmp_path / "run")
    assert not has_contexts(run)
    assert not run.complete_layers
    made_corpus_run(tmp_path / "run", FIRST)
    assert run.refresh()
    assert has_contexts(run)


def test_a_complete_run_has_its_figures_beside_its_record_and_nothing_else(tmp_path: Path) -> None:
    for shape in (FIRST, SECOND, END):
        run = made_corpus_run(tmp_path / "run", shape)
    assert run.record.corpus is not None
    names = {path.name for path in (tmp_path / "run").iterdir()}
    assert names == {"run.json", run.record.corpus.kept, *(f"{name}.npy" for name in run.record.figures)}


class BrokenOff(BaseException):
    """Stands for whatever ends a process: nothing is tidied up by those who expect errors."""


@contextmanager
def ended_at(step: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Break off at one of the times at which a file is brought to the disk or moved to its place."""
    steps = 0

    def count() -> None:
        nonlocal steps
        steps += 1
        if steps > step:
            raise BrokenOff

    with monkeypatch.context() as patched:
        real_sync, real_replace = os.fsync, Path.replace
        patched.setattr(os, "fsync", lambda file: (count(), real_sync(file)))
        patched.setattr(Path, "replace", lambda path, target: (count(), real_replace(path, target))[1])
        yield


@pytest.mark.parametrize("last", [SECOND, END], ids=["the next one", "the last one"])
def test_a_publication_that_is_broken_off_anywhere_leaves_one_or_the_other(
    tmp_path: Path, last: Shape, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = shown(made_corpus_run(tmp_path / "first", FIRST))
    after = shown(made_corpus_run(tmp_path / "last", last, DOCUMENTS[::-1]))
    seen = []
    for step in range(200):
        folder = tmp_path / f"broken-{step}"
        made_corpus_run(folder, FIRST)
        try:
            with ended_at(step, monkeypatch):
                made_corpus_run(folder, last, DOCUMENTS[::-1])
        except BrokenOff:
            seen.append(shown(Run.open(folder)))
            made_corpus_run(folder, last, DOCUMENTS[::-1])  # as a scan that goes on does
            assert shown(Run.open(folder)) == after
            continue
        break
    assert step > 40, "files of figures and tokens, and the record"
    assert all(each in (before, after) for each in seen)


def test_what_was_checked_stays_beside_the_record_of_an_unfinished_run(tmp_path: Path) -> None:
    run = made_corpus_run(tmp_path / "run", Shape(state="cancelled", merged=2))
    found = np.full((run.neurons, 2), 0.5, np.float32)
    assert add_to_run(tmp_path / "run", {"p": found}).column("p", "food").tolist() == [0.5] * run.neurons
    assert (tmp_path / "run" / "p.npy").exists()
    assert shown(Run.open(tmp_path / "run")) == shown(run)


def test_an_unfinished_run_is_salvaged_with_its_figures(tmp_path: Path) -> None:
    run = made_corpus_run(tmp_path / "run", Shape(state="cancelled", merged=2))
    assert salvage(tmp_path / "run", tmp_path / "saved") == []
    assert shown(Run.open(tmp_path / "saved")) == shown(run)


@pytest.mark.parametrize("member", ["figures_in", "kept"])
@pytest.mark.parametrize("name", ["..", "../other", "/tmp", "a/b", "figures-1/..", "C:"])
def test_no_folder_outside_the_run_is_read(tmp_path: Path, member: str, name: str) -> None:
    made_corpus_run(tmp_path / "run", FIRST)
    file = tmp_path / "run" / "run.json"
    record = json.loads(file.read_text())
    record["corpus"][member] = name
    file.write_text(json.dumps(record))
    with pytest.raises(RunError, match=f"corpus.{member}"):
        Run.open(tmp_path / "run")
