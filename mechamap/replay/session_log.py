"""The log of what a session did with a run: a file beside the run that only grows, one command a line.

Each session has a file of its own, so that two explorers on one run do not mix. A line is written by one call and ends
with a line end: of a process that was killed every action but the last is whole, and whoever reads it leaves out a last
line that was cut. docs/replay.md describes the file.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from mechamap.replay.head import head_of
from mechamap.replay.line import command_line
from mechamap.runs.run import Run
from mechamap.system.paths import home
from mechamap.wording.plain import printable

__all__ = ["LARGEST_LOG", "LONGEST_LINE", "SessionLog", "log_folder"]


LARGEST_LOG = 4_000_000  # bytes
LONGEST_LINE = 100_000  # bytes
_KEPT = 50  # logs of a run; the oldest are removed when another begins
_FULL = "# The log is full; what was done after this is not in it.\n"
_NAME = re.compile(r"\d{8}T\d{6}-\d+(-\d+)?\.log")


def log_folder(run: Run) -> Path:
    """Where the logs of a run are: ``sessions`` in its folder; of a CSV in MechaMap's data folder."""
    if run.path is not None and not run.is_csv:
        return run.path / "sessions"
    return _elsewhere(run)


def _elsewhere(run: Run) -> Path:
    """Where they are if the run's folder cannot be written."""
    return home() / "sessions" / re.sub(r"[^\w.+-]+", "-", run.name)[:80]


class SessionLog:
    """Writes what one session did with one run; the file is made with the first action.

    A log that cannot be written stops nothing: :attr:`problem` says why, and no more is tried.

    Args:
        run: that the actions are about.

    Attributes:
        run: likewise.
        path: of the file; None until there is one.
        problem: why nothing more is written; empty: it is.
        lines: the actions so far, as they are in the file.
    """

    def __init__(self, run: Run) -> None:
        self.path: Path | None = None
        self.problem = ""
        self.lines: list[str] = []
        self.run = run
        self._began = datetime.now(UTC)
        self._bytes = 0

    @property
    def text(self) -> str:
        """The log as its file has it, whole."""
        return "".join(f"{line}\n" for line in (*head_of(self.run, self._began), *self.lines))

    def add(self, words: Sequence[str], remark: str = "") -> None:
        """Write an action.

        Args:
            words: the command, ``mechamap`` first.
            remark: what came of it, in a few words.
        """
        time = datetime.now(UTC).strftime("%H:%M:%S")
        line = f"{command_line(words)}  # {', '.join(filter(None, (time, printable(remark))))}"
        if len(line.encode(errors="replace")) > LONGEST_LINE:
            line = f"# {time}, {printable(words[1])}: too long to be kept"
        self.lines.append(line)
        if self.problem:
            return
        try:
            if self.path is None:
                self._begin()
            self._write(f"{line}\n")
        except OSError as error:
            self.problem = error.strerror or str(error)

    def _begin(self) -> None:
        """Make the file, beside the run or, where that cannot be, among MechaMap's own; write its head.

        Raises:
            OSError: it can be made in neither.
        """
        folder = log_folder(self.run)
        try:
            self.path = _new_file(folder)
        except OSError:
            if folder == _elsewhere(self.run):
                raise
            self.path = _new_file(_elsewhere(self.run))
        self._write("".join(f"{line}\n" for line in head_of(self.run, self._began)))

    def _write(self, text: str) -> None:
        assert self.path is not None
        data = text.encode(errors="replace")
        if self._bytes + len(data) > LARGEST_LOG:
            data, self.problem = _FULL.encode(), "it is full"
        # A link in its place is not followed: a run may be somebody else's.
        flags = os.O_WRONLY | os.O_APPEND | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
        file = os.open(self.path, flags)
        try:
            written = os.write(file, data)
        finally:
            os.close(file)
        self._bytes += written
        if written < len(data):  # a full disk: what came behind half a line would be read as its end
            self.problem = "it could not be written whole"


def _new_file(folder: Path) -> Path:
    """A new empty file in the folder; its oldest files are removed where there are many.

    Raises:
        OSError: it cannot be made.
    """
    if folder.parent == home() / "sessions":
        folder.mkdir(parents=True, exist_ok=True)
    else:
        folder.mkdir(exist_ok=True)  # a run that was removed is not made again
    if folder.is_symlink():
        raise NotADirectoryError(0, "it is a link", str(folder))  # a run may be somebody else's
    logs = sorted(file for file in folder.iterdir() if _NAME.fullmatch(file.name))
    for old in logs[: max(len(logs) - _KEPT + 1, 0)]:
        with suppress(OSError):
            old.unlink()
    stem = f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{os.getpid()}"
    for number in range(100):
        path = folder / (f"{stem}.log" if not number else f"{stem}-{number}.log")
        with suppress(FileExistsError):
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666))
            return path
    raise FileExistsError(0, "too many logs of one process and second", str(folder))
