"""How the explorer ends when it is told to from outside: by a signal, or because its terminal is gone.

The app is asked to leave, and gets some seconds; then the terminal is put back as it was, the engine is killed, and the
process ends, whatever it was doing. Before the app draws there is nothing to put back. Exit codes are those of a shell:
128 and the number of the signal.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from types import FrameType
from typing import Any

__all__ = ["Ending"]


SIGNALS = ("SIGTERM", "SIGHUP", "SIGINT", "SIGQUIT")
_PATIENCE = 3.0  # seconds that the app gets
_LOOKS = 0.5  # seconds between looks at whether the terminal is still there
# What Textual's driver asks of a terminal, taken back: the other screen, mouse, paste and key reports, hidden cursor.
_MODES = (2026, 1000, 1002, 1003, 1006, 1015, 1016, 1004, 2004, 1049)
_AS_IT_WAS = "".join(f"\x1b[?{mode}l" for mode in _MODES) + "\x1b[<u\x1b[?25h\x1b[0m"


class Ending:
    """Watches for what ends the explorer; made before anything heavy is loaded, in the main thread."""

    def __init__(self) -> None:
        self.number: int | None = None  # of the signal that ends it
        self._leave: Callable[[int], None] | None = None
        self._kill: Callable[[], None] = lambda: None
        self._terminal = _terminal_state()
        self._before: dict[int, Any] = {}  # handlers
        if threading.current_thread() is threading.main_thread():
            for name in SIGNALS:
                if (number := getattr(signal, name, None)) is not None:
                    self._before[number] = signal.signal(number, self._on_signal)

    def watch(self, leave: Callable[[int], None], kill: Callable[[], None]) -> None:
        """The app draws from now on.

        Args:
            leave: asks it to end with an exit code; called from any thread, and once.
            kill: ends what it started, at once; called from any thread.
        """
        self._leave, self._kill = leave, kill
        threading.Thread(target=self._look_at_terminal, name="terminal", daemon=True).start()

    def done(self) -> None:
        """The app has left the terminal."""
        self._leave = None

    def close(self) -> None:
        """Handle signals as before."""
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if self._leave is None:
            if number == signal.SIGINT:
                with suppress(OSError):
                    os.write(2, b"mechamap-tui: interrupted\n")
            self._end(number)
        self._begin(number)

    def _begin(self, number: int) -> None:
        """Ask the app to leave, and see to it that it does."""
        if self.number is not None:
            return
        self.number = number
        threading.Thread(target=self._end_in_time, args=(number,), name="ending", daemon=True).start()
        if self._leave is not None:
            self._leave(128 + number)

    def _end_in_time(self, number: int) -> None:
        time.sleep(_PATIENCE)
        self._end(number)

    def _end(self, number: int) -> None:
        if self._leave is not None:
            self._kill()
            _restore(self._terminal)
        os._exit(128 + number)

    def _look_at_terminal(self) -> None:
        """End it when the terminal is gone: the signal that says so does not come to every process."""
        if not hasattr(select, "poll"):
            return
        terminal = select.poll()
        terminal.register(0, 0)  # the end of it is reported in any case
        while self.number is None and self._leave is not None:
            if terminal.poll(0):
                self._begin(signal.SIGHUP)
            time.sleep(_LOOKS)


def _terminal_state() -> list[Any] | None:
    """The settings of the terminal on standard input; None where it is none."""
    if sys.platform == "win32":
        return None
    import termios

    try:
        return termios.tcgetattr(0)
    except (termios.error, OSError):
        return None


def _restore(state: list[Any] | None) -> None:
    """Put the terminal back as it was; a terminal that is gone, or stopped, keeps nobody waiting."""
    if sys.platform == "win32" or state is None:
        return
    import termios

    with suppress(OSError):
        os.set_blocking(2, False)
        os.write(2, _AS_IT_WAS.encode())
    with suppress(termios.error, OSError):
        termios.tcsetattr(0, termios.TCSANOW, state)
