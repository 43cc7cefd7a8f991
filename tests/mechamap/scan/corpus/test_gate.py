"""Parts of a corpus scan that come from anywhere: put together, or refused before anything is allocated or copied."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mechamap.errors import RunError
from mechamap.runs.run import Run
from mechamap.scan.corpus.gate.ledger import newest_state, read_ledger
from mechamap.scan.corpus.merge import merge_parts
from mechamap.scan.corpus.part import Part
from mechamap.scan.corpus.shard_pass import WORK_FOLDER

SETTINGS = {"shard_tokens": 180, "sample": 100, "occurrences": 10}


@pytest.fixture(scope="module")
def made(scanned: Callable[..., Run], tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two parts of one scan."""
    folder = tmp_path_factory.mktemp("parts")
    for number in (1, 2):
        scanned(folder / str(number), part=Part(number, 2), **SETTINGS)
    return folder / "1", folder / "2"


@pytest.fixture
def parts(made: tuple[Path, Path], tmp_path: Path) -> tuple[Path, Path]:
    """Copies of them, to be damaged."""
    shutil.copytree(made[0], tmp_path / "1")
    shutil.copytree(made[1], tmp_path / "2")
    return tmp_path / "1", tmp_path / "2"


def state_of(part: Path) -> Path:
    state = newest_state(part / WORK_FOLDER)
    assert state is not None
    return state


def change_array(file: Path, name: str, change: Callable[[np.ndarray], np.ndarray]) -> None:
    with np.load(file) as archive:
        arrays = {each: archive[each] for each in archive.files}
    np.savez(file, **(arrays | {name: change(arrays[name])}))


def change_ledger(part: Path, what: Callable[[dict[str, Any]], object]) -> None:
    file = state_of(part) / "ledger.json"
    ledger = json.loads(file.read_text(encoding="utf-8"))
    what(ledger)
    file.write_text(json.dumps(ledger), encoding="utf-8")


def refused(parts: tuple[Path, ...], out: Path) -> str:
    """Why parts are refused, of which nothing may be left."""
    with pytest.raises(RunError) as caught:
        merge_parts(parts, out)
    assert not out.exists()
    return caught.value.message


def test_whole_parts_are_put_together(parts: tuple[Path, Path], tmp_path: Path) -> None:
    assert merge_parts(parts, tmp_path / "out").record.state == "complete"


def test_the_ledger_names_the_shards_of_the_state(parts: tuple[Path, Path]) -> None:
    run = Run.open(parts[0])
    assert run.record.corpus is not None
    assert len(read_ledger(parts[0] / WORK_FOLDER)["shards"]) == run.record.corpus.merged


@pytest.mark.parametrize(
    ("file", "name", "change"),
    [
        ("L1.npz", "histogram", lambda array: array[:, :-1]),
        ("L1.npz", "histogram", lambda array: -array - 1),
        ("L1.npz", "highest_values", lambda array: array[:, :1]),
        ("L1.npz", "seed", lambda array: array + 1),
        ("L3.npz", "drawn_keys", lambda array: array[..., 0]),
        ("L3.npz", "category_sums", lambda array: array.astype(np.float32)),
        ("samples.npz", "rest.rows", lambda array: array - 10**6),
        ("samples.npz", "rest.rows", lambda array: array + 2**60),
        ("samples.npz", "rest.shards", lambda array: array + 50),
        ("samples.npz", "rest.keys", lambda array: array[:-1]),
        ("samples.npz", "0.hashes", lambda array: np.concatenate([array] * 50)),
        ("samples.npz", "1.inside", lambda array: np.zeros((len(array), 3), np.bool_)),
        ("tallies.npz", "counts", lambda array: array[:-1]),
        ("tallies.npz", "words", lambda array: array - 10**6),
        ("tallies.npz", "first_ids", lambda array: np.zeros(10**5, np.int64)),
    ],
)
def test_arrays_that_a_state_cannot_have_are_refused(
    parts: tuple[Path, Path], tmp_path: Path, file: str, name: str, change: Callable[[np.ndarray], np.ndarray]
) -> None:
    change_array(state_of(parts[1]) / file, name, change)
    message = refused(parts, tmp_path / "out")
    assert "is damaged" in message
    assert file in message


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("sizes", lambda array: array + 1),
        ("keys", lambda array: array[::-1]),
        ("keys", lambda array: array - 2**40),
        ("ids", lambda array: array.reshape(-1, 1)),
        ("begins", lambda array: array[:0]),
        ("names", lambda array: np.concatenate([array, np.frombuffer(b"\nmore", np.uint8)])),
        ("names", lambda array: np.full(len(array), 0xFF, np.uint8)),
    ],
)
def test_tokens_that_do_not_fit_one_another_are_refused(
    parts: tuple[Path, Path], tmp_path: Path, name: str, change: Callable[[np.ndarray], np.ndarray]
) -> None:
    change_array(next((parts[1] / WORK_FOLDER / "text").glob("*.npz")), name, change)
    assert "is damaged" in refused(parts, tmp_path / "out")


@pytest.mark.parametrize(
    "what",
    [
        lambda ledger: ledger.update(shards=[0.5]),
        lambda ledger: ledger.update(shards=7),
        lambda ledger: ledger.update(identity=[]),
        lambda ledger: ledger["identity"].update(shards=None),
        lambda ledger: ledger["identity"].update(model="\ud800"),
        lambda ledger: ledger.clear(),
    ],
)
def test_damaged_ledgers_are_refused(
    parts: tuple[Path, Path], tmp_path: Path, what: Callable[[dict[str, Any]], object]
) -> None:
    for part in parts:
        change_ledger(part, what)
    assert "ledger.json is damaged" in refused(parts, tmp_path / "out")


def test_a_ledger_that_is_nested_too_deeply_is_refused(parts: tuple[Path, Path], tmp_path: Path) -> None:
    (state_of(parts[0]) / "ledger.json").write_text("[" * 100_000, encoding="utf-8")
    assert "nested too deeply" in refused(parts, tmp_path / "out")


def test_a_record_of_another_scan_than_what_was_gathered_is_refused(parts: tuple[Path, Path], tmp_path: Path) -> None:
    record = parts[0] / "run.json"
    data = json.loads(record.read_text(encoding="utf-8"))
    data["config"]["categories"]["small"]["words"].append("more")
    record.write_text(json.dumps(data), encoding="utf-8")
    assert "other neurons or categories" in refused(parts, tmp_path / "out")


def test_a_run_over_texts_is_no_part(parts: tuple[Path, Path], tmp_path: Path) -> None:
    record = parts[0] / "run.json"
    data = json.loads(record.read_text(encoding="utf-8"))
    del data["corpus"]
    record.write_text(json.dumps(data), encoding="utf-8")
    assert "is no run over a corpus" in refused(parts, tmp_path / "out")


def test_files_that_are_larger_than_they_can_be_are_not_copied(parts: tuple[Path, Path], tmp_path: Path) -> None:
    file = next((parts[1] / WORK_FOLDER / "samples").iterdir())
    with file.open("r+b") as stream:
        stream.truncate(2**40)  # takes no room here, and all of the disk that it is copied to
    assert "bytes are more than the activations" in refused(parts, tmp_path / "out")


def test_other_files_among_them_are_passed_over(parts: tuple[Path, Path], tmp_path: Path) -> None:
    (parts[1] / WORK_FOLDER / "text" / "copy of x-1.npz").write_bytes(b"x")
    (parts[1] / WORK_FOLDER / "state-²").mkdir()
    assert merge_parts(parts, tmp_path / "out").record.state == "complete"
