"""Where runs live, and what runs there are."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from support.recorded_run import recorded_run

from mechamap.errors import RunError
from mechamap.runs.library import find_run, list_runs, new_run_folder, remove_run, runs_folder
from mechamap.system.paths import home


@pytest.fixture(autouse=True)
def data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MECHAMAP_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def test_the_data_folder_is_where_the_variable_says(data_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert (home(), runs_folder()) == (data_folder, data_folder / "runs")
    monkeypatch.delenv("MECHAMAP_HOME")
    monkeypatch.setenv("XDG_DATA_HOME", str(data_folder / "xdg"))
    assert home().name == "mechamap"


def test_new_runs_are_numbered_and_never_share_a_folder() -> None:
    assert [new_run_folder("demo").name for _ in range(3)] == ["demo-1", "demo-2", "demo-3"]
    with ThreadPoolExecutor(8) as pool:
        names = list(pool.map(lambda _: new_run_folder("gpt2").name, range(24)))
    assert sorted(names) == sorted(f"gpt2-{number}" for number in range(1, 25))


def test_a_label_cannot_lead_out_of_the_folder() -> None:
    for label in ("../../etc", "a/b", "..", "", "日本 model", "x" * 50, ".hidden"):
        folder = new_run_folder(label)
        assert folder.parent == runs_folder()
        assert not folder.name.startswith(".")


def test_runs_are_listed_newest_first_with_what_they_are(data_folder: Path) -> None:
    for number, complete in enumerate((3, 1, 3)):
        run = recorded_run(data_folder / "runs" / f"tiny-{number}", complete=complete)
        assert run.path is not None
        os.utime(run.path / "run.json", (1000 + number, 1000 + number))
    (data_folder / "runs" / "empty").mkdir()
    (data_folder / "runs" / "stray.txt").write_text("")
    found = list_runs()
    assert [run.name for run in found] == ["tiny-2", "tiny-1", "tiny-0"]
    assert (found[1].state, found[1].layers_complete, found[1].layers) == ("cancelled", 1, 3)
    assert (found[0].model, found[0].neurons, found[0].categories) == ("tiny", 48, 3)
    assert found[0].bytes == sum(file.stat().st_size for file in found[0].path.iterdir())


def test_a_damaged_run_does_not_hide_the_others(data_folder: Path) -> None:
    recorded_run(data_folder / "runs" / "good")
    for name, content in {
        "cut": b'{"format"',
        "binary": b"\xff\xfe",
        "newer": b'{"format": 99}',
        "other": b"[1]",
    }.items():
        (data_folder / "runs" / name).mkdir()
        (data_folder / "runs" / name / "run.json").write_bytes(content)
    states = {run.name: run.state for run in list_runs()}
    assert states == {"good": "complete"} | dict.fromkeys(("cut", "binary", "newer", "other"), "damaged")


def test_a_file_that_goes_while_it_is_counted_does_no_harm(data_folder: Path) -> None:
    run = recorded_run(data_folder / "runs" / "tiny-1")
    assert run.path is not None
    (run.path / "gone").symlink_to(run.path / "nowhere")
    assert list_runs()[0].state == "complete"


def test_there_may_be_no_runs_at_all() -> None:
    assert list_runs() == []
    with pytest.raises(RunError) as caught:
        find_run("demo-1")
    assert "No run was made yet" in str(caught.value.hint)


def test_a_run_is_found_by_name_and_by_path(data_folder: Path, tmp_path: Path) -> None:
    inside = recorded_run(data_folder / "runs" / "tiny-1")
    outside = recorded_run(tmp_path / "elsewhere")
    assert find_run("tiny-1") == inside.path
    assert find_run(str(tmp_path / "elsewhere")) == outside.path
    with pytest.raises(RunError) as caught:
        find_run("tiny-2")
    assert "tiny-1" in str(caught.value.hint)


def test_only_a_run_can_be_removed(data_folder: Path, tmp_path: Path) -> None:
    run = recorded_run(data_folder / "runs" / "tiny-1")
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "thesis.txt").write_text("all of it")
    with pytest.raises(RunError, match="is not a run"):
        remove_run(tmp_path / "precious")
    assert (tmp_path / "precious" / "thesis.txt").exists()
    assert run.path is not None
    remove_run(run.path)
    assert not run.path.exists()
    assert list_runs() == []


def test_a_data_folder_that_cannot_be_made_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("MECHAMAP_HOME", str(tmp_path / "file"))
    with pytest.raises(RunError) as caught:
        new_run_folder("demo")
    assert "MECHAMAP_HOME" in str(caught.value.hint)
    assert list_runs() == []
