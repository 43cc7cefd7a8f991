"""Marks, notes and sets of neurons that a user adds to a run: ``notes.json`` beside ``run.json``.

The file belongs to the user, so a change reads it again, changes one neuron or set and replaces it, one process after
another: two explorers on one run do not undo each other's changes, and what a newer version wrote is kept.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mechamap.errors import RunError, UsageError
from mechamap.runs.kept.kept_file import KeptFile
from mechamap.system.bounded_files import read_at_most
from mechamap.wording.advice import Action, Advice
from mechamap.wording.suggest import unknown_name

if TYPE_CHECKING:
    from mechamap.runs.sets.neuron_sets import NeuronSet

__all__ = ["Notes"]


FORMAT = 1
_LARGEST = 256_000_000  # bytes: what is larger holds no notes


class Notes(KeptFile):
    """Marks and notes by neuron name (``L7.N1844``), and sets; a run without a folder keeps them in memory.

    Raises:
        RunError: ``notes.json`` is damaged. Nothing is overwritten then.
    """

    LOCK = "notes"
    UNWRITTEN = "Marks and notes are kept until the explorer is closed."

    def __init__(self, folder: Path | None) -> None:
        self.file = folder / "notes.json" if folder is not None and (folder / "run.json").is_file() else None
        self._neurons: dict[str, dict[str, Any]] = {}
        self._sets: dict[str, NeuronSet] = {}
        self._rest: dict[str, Any] = {}  # what a newer version keeps beside them
        self.reload()

    @property
    def marked(self) -> tuple[str, ...]:
        """Names of the marked neurons, in the order they were marked."""
        return tuple(name for name, entry in self._neurons.items() if entry.get("marked"))

    @property
    def neurons(self) -> tuple[str, ...]:
        """Names of the neurons that have a mark or a note."""
        return tuple(self._neurons)

    @property
    def sets(self) -> tuple[NeuronSet, ...]:
        """The named sets, in the order they were made."""
        return tuple(self._sets.values())

    def named_set(self, name: str) -> NeuronSet:
        """The set of that name.

        Raises:
            UsageError: there is none.
        """
        if (members := self._sets.get(name.strip())) is None:
            if not self._sets:
                none = f"The run has no sets of neurons, so none named {name!r}."
                raise UsageError(none, Advice.of("{} makes one.", Action("sets RUN add NAME")))
            raise UsageError(*unknown_name("set", name, tuple(self._sets)))
        return members

    def is_marked(self, name: str) -> bool:
        return bool(self._neurons.get(name, {}).get("marked"))

    def note(self, name: str) -> str:
        return str(self._neurons.get(name, {}).get("note", ""))

    def mark(self, name: str, marked: bool = True) -> None:
        """Mark a neuron, or take its mark away.

        Raises:
            RunError: the file cannot be read or written; the mark is kept in memory.
        """
        self._change(lambda: self._set_member(name, "marked", marked))

    def mark_all(self, names: Iterable[str], marked: bool = True) -> None:
        """Mark neurons, or take their marks away, in one change.

        Raises:
            RunError: the file cannot be read or written; the marks are kept in memory.
        """
        taken = tuple(names)

        def change() -> None:
            for name in taken:
                self._set_member(name, "marked", marked)

        self._change(change)

    def write_note(self, name: str, text: str) -> None:
        """Set a neuron's note; an empty one is removed.

        Raises:
            RunError: the file cannot be read or written; the note is kept in memory.
        """
        self._change(lambda: self._set_member(name, "note", text.strip()))

    def write_set(self, members: NeuronSet) -> None:
        """Keep a set, in place of one of the same name.

        Raises:
            RunError: the file cannot be read or written; the set is kept in memory.
        """
        self._change(lambda: self._sets.__setitem__(members.name, members))

    def remove_set(self, name: str) -> None:
        """Forget a set; nothing happens where there is none.

        Raises:
            RunError: the file cannot be read or written.
        """
        self._change(lambda: self._sets.pop(name, None))

    def reload(self) -> None:
        """Read the file again.

        Raises:
            RunError: it is damaged.
        """
        if self.file is None:
            return
        try:
            text = read_at_most(self.file, _LARGEST).decode("utf-8")
        except FileNotFoundError:
            return
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise RunError(f"{self.file} cannot be read: {reason}.", "Marks and notes are not shown.") from None
        try:
            content = json.loads(text)
            neurons = {name: _entry(entry) for name, entry in content.pop("neurons").items()}
            sets = _sets(content.pop("sets", {}))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError, UsageError):
            raise RunError(
                f"{self.file} does not hold marks and notes.", "Repair it or move it away; it is left as it is."
            ) from None
        self._neurons, self._sets, self._rest = neurons, sets, content

    def _set_member(self, name: str, member: str, value: bool | str) -> None:
        entry = self._neurons.setdefault(name, {})
        if value:
            entry[member] = value
        else:
            entry.pop(member, None)
        if not entry:
            del self._neurons[name]

    def _content(self) -> dict[str, Any]:
        content = self._rest | {"format": FORMAT, "neurons": self._neurons}
        if self._sets:
            from mechamap.runs.sets.neuron_sets import set_to_plain

            content["sets"] = {name: set_to_plain(members) for name, members in self._sets.items()}
        return content


def _sets(plain: Mapping[str, Any]) -> dict[str, NeuronSet]:
    """The sets that a file has; most have none, and need nothing of what describes them."""
    if plain == {}:
        return {}
    from mechamap.runs.sets.neuron_sets import set_from_plain

    return {name: set_from_plain(name, members) for name, members in plain.items()}


def _entry(entry: object) -> dict[str, Any]:
    """What the file has of a neuron, a newer version's members included."""
    if not isinstance(entry, dict) or not isinstance(entry.get("note", ""), str):
        raise TypeError("no marks and notes")
    return dict(entry)
