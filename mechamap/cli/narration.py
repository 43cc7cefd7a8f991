"""What a command reports beside its data, on stderr: lines, and on a terminal one line that is updated in place."""

from __future__ import annotations

import io
import os
import shutil
import sys
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import BinaryIO, TextIO, TypeVar

from mechamap.errors import MechaMapError
from mechamap.wording.plain import inert, printable

__all__ = ["Narration", "print_data", "print_lines", "print_path", "write_binary", "write_data"]

Written = TypeVar("Written")


class Narration:
    """Lines on stderr. On a terminal ``progress`` keeps rewriting the last one; elsewhere it writes nothing."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = sys.stderr if stream is None else stream
        self.live = self._stream.isatty()
        self._lock = threading.Lock()  # a scan tells its layers from another thread
        self._under_way = False

    def say(self, text: str = "") -> None:
        """Write a line, in place of the progress line if there is one."""
        self._write(("\r\x1b[K" if self._under_way else "") + inert(text) + "\n", under_way=False)

    def error(self, title: str, error: MechaMapError) -> None:
        """Tell an error under a title, with what can be done about it."""
        self.say(title)
        for line in str(error).splitlines():
            self.say(f"  {printable(line)}")

    def progress(self, text: str) -> None:
        """Show ``text`` in the line that is rewritten, cut to the terminal's width."""
        if self.live:
            width = shutil.get_terminal_size().columns - 1
            self._write("\r\x1b[K" + inert(text)[:width], under_way=True)

    def clear(self) -> None:
        """Take the progress line away."""
        if self._under_way:
            self._write("\r\x1b[K", under_way=False)

    def _write(self, text: str, *, under_way: bool) -> None:
        with self._lock:
            try:
                self._stream.write(text)
                self._stream.flush()
            except (OSError, ValueError):
                pass  # stderr is gone; the work goes on
            self._under_way = under_way


def print_data(text: str) -> None:
    """A line for a reader on stdout, which steers no terminal; on a terminal in its encoding."""
    sys.stdout.write(inert(text) + "\n")


def write_data(text: str) -> None:
    """JSON, YAML, CSV or Markdown on stdout: UTF-8 on a terminal of another encoding, too."""
    # A lone surrogate becomes \udXXX, which is how JSON and YAML spell it.
    _write_bytes(text.encode("utf-8", errors="backslashreplace"))


def print_path(path: Path | None) -> None:
    """A path on stdout, in the bytes that the file system has for it, whatever the locale takes these for."""
    assert path is not None  # runs have one once they are on disk
    _write_bytes(os.fsencode(path) + b"\n")


def write_binary(write: Callable[[BinaryIO], Written]) -> Written:
    """Let ``write`` write data to stdout; returns what it returns."""
    if not sys.stdout.isatty():
        return write(sys.stdout.buffer)
    collected = io.BytesIO()
    written = write(collected)
    _write_bytes(collected.getvalue())
    return written


def _write_bytes(data: bytes) -> None:
    """Data as they are for a file or a program; what would steer a terminal is spelled out on one."""
    if sys.stdout.isatty():
        data = inert(data.decode("utf-8", errors="surrogateescape")).encode("utf-8", errors="backslashreplace")
    sys.stdout.flush()
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()  # before anything is said about it


def print_lines(*blocks: Iterable[str]) -> None:
    """Lines of data on stdout, with an empty one between two blocks."""
    for number, lines in enumerate(blocks):
        if number:
            print_data("")
        for line in lines:
            print_data(line)
