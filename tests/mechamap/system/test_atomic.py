"""Files are replaced whole, or stay as they were."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mechamap.system.atomic import beside, replacing, synced


def test_a_file_is_replaced_when_all_was_written(tmp_path: Path) -> None:
    file = tmp_path / "run.json"
    file.write_text("old")
    with replacing(file) as stream:
        stream.write(b"new")
        assert file.read_text() == "old"
    assert file.read_text() == "new"
    assert [path.name for path in tmp_path.iterdir()] == ["run.json"]


def test_what_fails_half_way_leaves_the_old_file_and_nothing_beside_it(tmp_path: Path) -> None:
    file = tmp_path / "run.json"
    file.write_text("old")
    with pytest.raises(ZeroDivisionError), replacing(file) as stream:
        stream.write(b"half")
        raise ZeroDivisionError
    assert file.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["run.json"]


def test_processes_that_share_a_file_write_beside_it_under_names_of_their_own(tmp_path: Path) -> None:
    file = tmp_path / "notes.json"
    assert beside(file) == tmp_path / ".notes.json.new"
    assert str(os.getpid()) in beside(file, shared=True).name


def test_a_name_as_long_as_file_systems_take_can_be_replaced(tmp_path: Path) -> None:
    file = tmp_path / ("n" * 251 + ".csv")
    with replacing(file, shared=True) as stream:
        stream.write(b"rows")
    assert file.read_bytes() == b"rows"


def test_what_is_synced_is_whole_when_the_block_ends(tmp_path: Path) -> None:
    with synced(tmp_path / "rows.npy") as stream:
        stream.write(b"x" * 100_000)
    assert (tmp_path / "rows.npy").stat().st_size == 100_000


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes have names on Unix alone")
def test_no_file_takes_the_place_of_a_pipe(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for shared in (False, True):
        with pytest.raises(OSError, match="a pipe or a device"), replacing(tmp_path / "pipe", shared=shared):
            pass
    assert (tmp_path / "pipe").is_fifo()
    assert [path.name for path in tmp_path.iterdir()] == ["pipe"]
