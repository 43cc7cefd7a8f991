"""Marks and notes that a user adds to a run: ``notes.json`` beside ``run.json``.

The file belongs to the user, so a change reads it again, changes one neuron and replaces it, one process after another:
two explorers on one run do not undo each other's changes, and what a newer version wrote for a neuron is kept.
"""

from __future__ import annotations

import json
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from mechamap.errors import RunError
from mechamap.runs.lock import in_turn
from mechamap.system.atomic import replacing

__all__ = ["Notes"]


FORMAT = 1


class Notes:
    """Marks and notes by neuron name (``L7.N1844``); a run without a folder keeps them in memory.

    Raises:
        RunError: ``notes.json`` is damaged. Nothing is overwritten then.
    """

    def __init__(self, folder: Path | None) -> None:
        self.file = folder / "notes.json" if folder is not None and (folder / "run.json").is_file() else None
        self._neurons: dict[str, dict[str, Any]] = {}
        self.reload()

    @property
    def marked(self) -> tuple[str, ...]:
        """Names of the marked neurons, in the order they were marked."""
        return tuple(name for name, entry in self._neurons.items() if entry.get("marked"))

    def is_marked(self, name: str) -> bool:
        return bool(self._neurons.get(name, {}).get("marked"))

    def note(self, name: str) -> str:
        return str(self._neurons.get(name, {}).get("note", ""))

    def mark(self, name: str, marked: bool = True) -> None:
        """Mark a neuron, or take its mark away.

        Raises:
            RunError: the file cannot be read or written; the mark is kept in memory.
        """
        self._change(name, "marked", marked)

    def write_note(self, name: str, text: str) -> None:
        """Set a neuron's note; an empty one is removed.

        Raises:
            RunError: the file cannot be read or written; the note is kept in memory.
        """
        self._change(name, "note", text.strip())

    def reload(self) -> None:
        """Read the file again.

        Raises:
            RunError: it is damaged.
        """
        if self.file is None:
            return
        try:
            text = self.file.read_text(encoding="utf-8")
        except FileNotFoundError:
            return
        except (OSError, UnicodeDecodeError) as error:
            raise RunError(f"{self.file} cannot be read: {error}.", "Marks and notes are not shown.") from None
        try:
            neurons = json.loads(text)["neurons"]
            self._neurons = {name: _entry(entry) for name, entry in neurons.items()}
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            raise RunError(
                f"{self.file} does not hold marks and notes.", "Repair it or move it away; it is left as it is."
            ) from None

    def _change(self, name: str, member: str, value: bool | str) -> None:
        with in_turn(self.file.parent, "notes") if self.file is not None else nullcontext():
            self._change_alone(name, member, value)

    def _change_alone(self, name: str, member: str, value: bool | str) -> None:
        try:
            self.reload()
        finally:
            entry = self._neurons.setdefault(name, {})
            if value:
                entry[member] = value
            else:
                entry.pop(member, None)
            if not entry:
                del self._neurons[name]
        self._write()

    def _write(self) -> None:
        if self.file is None:
            return
        text = json.dumps({"format": FORMAT, "neurons": self._neurons}, ensure_ascii=False, indent=1)
        try:
            with replacing(self.file, shared=True) as stream:
                stream.write(f"{text}\n".encode(errors="replace"))
        except OSError as error:
            raise RunError(
                f"{self.file} cannot be written: {error.strerror or error}.",
                "Marks and notes are kept until the explorer is closed.",
            ) from None


def _entry(entry: object) -> dict[str, Any]:
    """What the file has of a neuron, a newer version's members included."""
    if not isinstance(entry, dict) or not isinstance(entry.get("note", ""), str):
        raise TypeError("no marks and notes")
    return dict(entry)
