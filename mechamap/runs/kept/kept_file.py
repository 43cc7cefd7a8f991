"""A JSON file beside ``run.json`` that belongs to the user: changed one thing at a time, replaced whole."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any, ClassVar

from mechamap.errors import RunError
from mechamap.runs.lock import in_turn

__all__ = ["KeptFile"]


class KeptFile(ABC):
    """What is kept in such a file: each change reads it again and replaces it, one process after another.

    Attributes:
        file: None of a run without a folder, which keeps it in memory.
    """

    LOCK: ClassVar[str]  # names the lock in the run's folder
    UNWRITTEN: ClassVar[str]  # the advice where the file cannot be written

    file: Path | None

    @abstractmethod
    def reload(self) -> None:
        """Read the file again.

        Raises:
            RunError: it is damaged.
        """

    @abstractmethod
    def _content(self) -> dict[str, Any]:
        """What the file is to hold."""

    def _change(self, change: Callable[[], object]) -> None:
        """Read the file again, change one thing and replace it, while no other process does.

        Raises:
            RunError: the file cannot be read or written; what was changed is kept in memory.
        """
        with in_turn(self.file.parent, self.LOCK) if self.file is not None else nullcontext():
            try:
                self.reload()
            finally:
                change()
            self._write()

    def _write(self) -> None:
        if self.file is None:
            return
        from mechamap.system.atomic import replacing  # which only writing needs

        text = json.dumps(self._content(), ensure_ascii=False, indent=1)
        try:
            with replacing(self.file, shared=True) as stream:
                stream.write(f"{text}\n".encode(errors="replace"))
        except OSError as error:
            raise RunError(f"{self.file} cannot be written: {error.strerror or error}.", self.UNWRITTEN) from None
