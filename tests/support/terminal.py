"""A real terminal to drive the explorer in: a pseudo-terminal, and an emulator that knows what its screen shows."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import pexpect
import pyte

KEYS = {
    "enter": "\r",
    "esc": "\x1b",
    "tab": "\t",
    "up": "\x1b[A",
    "down": "\x1b[B",
    "right": "\x1b[C",
    "left": "\x1b[D",
    "delete": "\x1b[3~",
    "backspace": "\x7f",
    "end": "\x1b[F",
    "f1": "\x1bOP",
    "f2": "\x1bOQ",
    "f8": "\x1b[19~",
    "ctrl+q": "\x11",
    "ctrl+c": "\x03",
    "ctrl+g": "\x07",
    "ctrl+n": "\x0e",
    "ctrl+p": "\x10",
    "ctrl+u": "\x15",
    "ctrl+y": "\x19",
}


_NOT_PASSED_ON = ("TEXTUAL", "TMUX", "COLUMNS", "LINES")


class Terminal:
    """Runs a command in a pseudo-terminal of ``columns`` x ``rows`` cells.

    Args:
        arguments: of ``python -m mechamap_tui``.
        home: MECHAMAP_HOME of the process.
        cwd: where it is started.
        variables: of its environment, beside those of this process.
        prefix: a command and its arguments that starts it.
    """

    def __init__(
        self,
        arguments: Sequence[str],
        home: Path,
        *,
        columns: int = 80,
        rows: int = 24,
        cwd: Path | None = None,
        variables: Mapping[str, str] | None = None,
        prefix: Sequence[str] = (),
    ) -> None:
        self.screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self.screen)
        self.written = bytearray()  # everything the process ever wrote
        root = str(Path(__file__).resolve().parents[2])
        paths = [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path]
        environment = {
            # Without COLUMNS and LINES, which would stand for the terminal's own size.
            **{name: value for name, value in os.environ.items() if not name.startswith(_NOT_PASSED_ON)},
            "MECHAMAP_HOME": str(home),
            "TERM": "xterm-256color",
            "COLORTERM": "truecolor",
            "PYTHONPATH": os.pathsep.join([*paths, root]),
            **(variables or {}),
        }
        command = [*prefix, sys.executable, "-m", "mechamap_tui", *arguments]
        self.process = pexpect.spawn(
            command[0],
            command[1:],
            env=environment,
            dimensions=(rows, columns),
            cwd=str(cwd) if cwd else None,
            timeout=None,
        )
        self.process.delaybeforesend = None
        self._hung_up = False

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def hang_up(self) -> None:
        """Close the terminal, as a window or a connection that is gone."""
        os.close(self.process.child_fd)
        self._hung_up = True

    def close(self) -> None:
        """End the process if it still runs."""
        if self._hung_up:
            with suppress(ProcessLookupError):
                os.kill(self.process.pid, signal.SIGKILL)
            return
        if self.process.isalive():
            self.process.kill(signal.SIGKILL)
            self.process.wait()
        self.process.close()

    def read(self, seconds: float = 0.05) -> None:
        """Take what the process has written, waiting up to ``seconds`` for the first of it."""
        try:
            while True:
                chunk = self.process.read_nonblocking(1 << 16, timeout=seconds)
                self.written += chunk
                self._stream.feed(_without_private_modes(chunk))
                seconds = 0
        except (pexpect.TIMEOUT, pexpect.EOF):
            pass

    @property
    def text(self) -> str:
        """What the screen shows, line by line, without spaces at the ends."""
        self.read(0)
        return "\n".join(line.rstrip() for line in self.screen.display)

    def wait(self, *texts: str, gone: Sequence[str] = (), seconds: float = 25) -> str:
        """Read until all of ``texts`` are on the screen, and none of ``gone``; the screen's text.

        Raises:
            AssertionError: it took longer, or the process ended first; says what the screen shows.
        """
        return self.until(
            lambda screen: all(text in screen for text in texts) and not any(text in screen for text in gone),
            f"{texts} on the screen" + (f" and {list(gone)} gone" if gone else ""),
            seconds,
        )

    def until(self, holds: Callable[[str], bool], what: str, seconds: float = 25) -> str:
        """Read until something holds of the screen's text; what it was then."""
        deadline = time.monotonic() + seconds
        while True:
            self.read()
            screen = self.text
            if holds(screen):
                return screen
            if time.monotonic() > deadline or not self.process.isalive():
                raise AssertionError(f"waited for {what}; the screen shows:\n{screen}")

    def press(self, *keys: str) -> None:
        """Press keys one after another, by name (``enter``) or as themselves (``c``)."""
        for key in keys:
            self.process.send(KEYS.get(key, key))
            self.read(0.05)

    def type(self, text: str) -> None:
        self.process.send(text)
        self.read(0.1)

    def click(self, text: str) -> None:
        """Click on the first place that shows ``text``."""
        for row, line in enumerate(self.text.splitlines()):
            column = line.find(text)
            if column >= 0:
                at = f"{column + 2};{row + 1}"
                self.process.send(f"\x1b[<0;{at}M\x1b[<0;{at}m")
                self.read(0.1)
                return
        raise AssertionError(f"{text!r} is not on the screen:\n{self.text}")

    def resize(self, columns: int, rows: int) -> None:
        self.screen.resize(rows, columns)
        self.process.setwinsize(rows, columns)

    def ended(self, seconds: float = 30) -> int:
        """Wait for the process to end; its exit status."""
        deadline = time.monotonic() + seconds
        while self.process.isalive() and time.monotonic() < deadline:
            self.read()
        self.read()
        assert not self.process.isalive(), f"it still runs; the screen shows:\n{self.text}"
        self.process.close()
        status = self.process.exitstatus
        assert status is not None, f"it was ended by signal {self.process.signalstatus}"
        return int(status)


def _without_private_modes(chunk: bytes) -> bytes:
    """What pyte does not know and would print: the private key-protocol sequences ``CSI > u``, ``CSI < u``."""
    for sequence in (b"\x1b[>1u", b"\x1b[<u", b"\x1b[=1u"):
        chunk = chunk.replace(sequence, b"")
    return chunk


def engine_of(process: int) -> int | None:
    """The process id of the engine that an explorer started, None while there is none."""
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            command = (entry / "cmdline").read_bytes()
        except OSError:
            continue
        if parent == process and b"mechamap.engine" in command:
            return int(entry.name)
    return None


def assert_left_clean(terminal: Terminal) -> None:
    """The alternate screen was left, the cursor is shown, the mouse is quiet, and no traceback was printed."""
    written = bytes(terminal.written)
    assert written.rfind(b"\x1b[?1049l") > written.rfind(b"\x1b[?1049h")
    assert written.rfind(b"\x1b[?25h") > written.rfind(b"\x1b[?25l")
    assert written.rfind(b"\x1b[?1000l") > written.rfind(b"\x1b[?1000h")
    assert b"Traceback" not in written
