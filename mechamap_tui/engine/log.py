"""The file for what the engine process prints, and its last lines for an error message."""

from __future__ import annotations

import os
from pathlib import Path
from typing import IO

from mechamap.system.failures import log_folder, rotate
from mechamap.system.paths import privately

__all__ = ["EngineLog"]


class EngineLog:
    """``log/engine.log`` in the data folder; without one (a read-only home) only the engine's output is lost."""

    def __init__(self) -> None:
        self.path: Path | None = None
        self._file: IO[bytes] | None = None
        self._start = 0  # where the present engine's output begins

    def open(self) -> IO[bytes] | None:
        """The file to append to; None where none can be written."""
        self.close()
        try:
            log_folder().mkdir(parents=True, exist_ok=True)
            path = log_folder() / "engine.log"
            rotate(path)
            self._file = open(path, "a+b", opener=privately)  # noqa: SIM115  # what libraries print
        except OSError:
            return None
        self.path = path
        self._start = self._file.seek(0, os.SEEK_END)
        return self._file

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def last_lines(self) -> str:
        """The last five lines that the present engine printed."""
        if self._file is None:
            return ""
        end = os.fstat(self._file.fileno()).st_size
        start = max(self._start, end - 4096)
        text = os.pread(self._file.fileno(), end - start, start).decode("utf-8", "replace")
        return "\n".join(text.strip().splitlines()[-5:])
