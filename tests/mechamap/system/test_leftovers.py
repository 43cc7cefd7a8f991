"""What killed processes leave behind goes when the next one writes there; what belongs to a living one stays."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mechamap.system.atomic import replacing
from mechamap.system.leftovers import OwnFolder

WRITES = """
import sys, time
from pathlib import Path
from mechamap.system.atomic import replacing
with replacing(Path(sys.argv[1]), shared=True) as stream:
    stream.write(b"half")
    stream.flush()
    print("writing", flush=True)
    time.sleep(60)
"""
OWNS = """
import sys, time
from mechamap.system.leftovers import OwnFolder
folder = OwnFolder("test")
print(folder.path, flush=True)
time.sleep(60)
"""


@contextmanager
def running(code: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen([sys.executable, "-c", code, *arguments], stdout=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def parts(folder: Path) -> list[Path]:
    return sorted(folder.glob(".*.part"))


def test_what_a_killed_process_wrote_beside_a_file_is_removed_by_the_next_that_writes_it(tmp_path: Path) -> None:
    file = tmp_path / "figures.csv"
    with running(WRITES, str(file)) as writer:
        assert writer.stdout is not None and writer.stdout.readline() == "writing\n"
        assert len(parts(tmp_path)) == 1
        with replacing(file, shared=True) as stream:
            stream.write(b"mine")
        assert len(parts(tmp_path)) == 1, "it lives and writes"
        writer.send_signal(signal.SIGKILL)
        writer.wait()
    with replacing(file, shared=True) as stream:
        stream.write(b"again")
    assert parts(tmp_path) == [] and file.read_bytes() == b"again"


def test_files_of_other_names_are_left_alone(tmp_path: Path) -> None:
    others = [
        tmp_path / name for name in (".figures.csv.new", ".figures.csv.99999999.part", ".x.99999999-0123abcd.part")
    ]
    for other in others:
        other.write_text("not ours")
    with replacing(tmp_path / "figures.csv", shared=True) as stream:
        stream.write(b"mine")
    assert all(other.exists() for other in others)


def test_a_link_under_the_name_beside_is_not_followed(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.write_text("as it was")
    (tmp_path / ".run.json.new").symlink_to(precious)
    with replacing(tmp_path / "run.json") as stream:
        stream.write(b"new")
    assert precious.read_text() == "as it was" and (tmp_path / "run.json").read_text() == "new"


@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)])
def test_a_file_has_the_mode_that_the_umask_gives(tmp_path: Path, umask: int, mode: int) -> None:
    before = os.umask(umask)
    try:
        with replacing(tmp_path / "figures.csv", shared=True) as stream:
            stream.write(b"rows")
    finally:
        os.umask(before)
    assert (tmp_path / "figures.csv").stat().st_mode & 0o777 == mode


def test_a_folder_goes_with_its_process_and_the_next_one_removes_that_of_a_killed_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with running(OWNS) as owner:
        assert owner.stdout is not None
        theirs = Path(owner.stdout.readline().strip())
        assert theirs.parent == tmp_path and theirs.stat().st_mode & 0o777 == 0o700
        mine = OwnFolder("test")
        assert theirs.exists() and mine.path.exists()
        mine.remove()
        assert theirs.exists() and not mine.path.exists()
        owner.kill()
        owner.wait()
    next_one = OwnFolder("test")
    assert [folder for folder in tmp_path.iterdir() if folder.is_dir()] == [next_one.path]
