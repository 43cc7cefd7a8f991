"""Files that hold a user's text beside runs and exports can be read by their user alone, whatever the umask."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from textual.app import App

from mechamap.system.failures import record_failure
from mechamap_tui.engine.log import EngineLog
from mechamap_tui.terminal.clipboard import copied_file, copy_text

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the system has other rights")


@pytest.fixture(autouse=True)
def open_umask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("MECHAMAP_HOME", str(tmp_path / "home"))
    before = os.umask(0)
    yield
    os.umask(before)


def mode(file: Path) -> int:
    return stat.S_IMODE(file.stat().st_mode)


def test_what_was_copied_also_where_an_older_version_wrote_it_before() -> None:
    copied_file().parent.mkdir()
    copied_file().write_text("longer than what comes after it")
    copied_file().chmod(0o644)
    copy_text(App(), "a note")
    assert copied_file().read_text() == "a note\n" and mode(copied_file()) == 0o600


def test_what_went_wrong() -> None:
    file = record_failure(ValueError("a note"), "here")
    assert file is not None and mode(file) == 0o600 and "a note" in file.read_text()


def test_what_the_engine_prints() -> None:
    log = EngineLog()
    assert log.open() is not None and log.path is not None and mode(log.path) == 0o600
    log.close()
