"""Sets of neurons that a user names: kept among a run's notes, written to files of their own and read from them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mechamap.errors import UsageError
from mechamap.runs.neuron_names import NeuronName, parse_neuron
from mechamap.system.text_files import read_text_file
from mechamap.wording.advice import Action, Advice
from mechamap.wording.plain import printable, shortened

__all__ = ["NeuronSet", "checked_name", "read_sets", "set_from_plain", "set_to_plain", "sets_to_bytes", "sets_to_plain"]


FORMAT = 1
_LONGEST_NAME = 80


@dataclass(frozen=True, slots=True)
class NeuronSet:
    """Neurons that are ablated and steered as one.

    Attributes:
        name: what the user calls them.
        neurons: each once, in the order they were named.
        note: what the user wrote about them; may be empty.
    """

    name: str
    neurons: tuple[NeuronName, ...]
    note: str = ""

    @classmethod
    def of(cls, name: str, neurons: Iterable[str | NeuronName], note: str = "") -> NeuronSet:
        """A set of named neurons.

        Raises:
            UsageError: the name is empty or too long, a neuron's name is none, or there is no neuron.
        """
        parsed = (parse_neuron(neuron) if isinstance(neuron, str) else neuron for neuron in neurons)
        members = tuple(dict.fromkeys(parsed))
        if not members:
            raise UsageError(f"The set {name!r} would be empty.", "Name a neuron, such as L7.N1844.")
        return cls(checked_name(name), members, note.strip())


def checked_name(name: str, kind: str = "set") -> str:
    """The name of a set, or of what else users name, without the spaces around it.

    Raises:
        UsageError: it is empty, too long, or holds characters that cannot be shown.
    """
    name = name.strip()
    if not name or len(name) > _LONGEST_NAME or printable(name) != name:
        raise UsageError(
            f"{shortened(repr(name))} cannot be the name of a {kind}.",
            f"Choose 1 to {_LONGEST_NAME} characters that can be printed on one line.",
        )
    return name


def set_to_plain(members: NeuronSet) -> dict[str, Any]:
    """A set as JSON holds it, beside its name."""
    plain: dict[str, Any] = {"neurons": [str(neuron) for neuron in members.neurons]}
    return plain | ({"note": members.note} if members.note else {})


def set_from_plain(name: str, plain: Mapping[str, Any]) -> NeuronSet:
    """The set that :func:`set_to_plain` wrote.

    Raises:
        TypeError, KeyError, UsageError: it holds something else.
    """
    neurons, note = plain["neurons"], plain.get("note", "")
    if not isinstance(neurons, list) or not all(isinstance(each, str) for each in neurons) or not isinstance(note, str):
        raise TypeError("no set of neurons")
    return NeuronSet.of(name, neurons, note)


def sets_to_plain(sets: Iterable[NeuronSet]) -> dict[str, Any]:
    """Sets as a file of them holds them."""
    return {"format": FORMAT, "sets": {each.name: set_to_plain(each) for each in sets}}


def sets_to_bytes(sets: Iterable[NeuronSet]) -> bytes:
    """Sets as a file holds them that :func:`read_sets` reads, also for another run of the same model."""
    return (json.dumps(sets_to_plain(sets), ensure_ascii=False, indent=1) + "\n").encode(errors="replace")


def read_sets(path: Path) -> tuple[NeuronSet, ...]:
    """The sets of a file.

    Raises:
        TextError: it is missing or not text.
        UsageError: it holds no sets.
    """
    text = read_text_file(path)
    try:
        sets = json.loads(text)["sets"]
        return tuple(set_from_plain(name, plain) for name, plain in sets.items())
    except UsageError as error:
        raise error.located(str(path)) from None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise UsageError(
            f"{path} holds no sets of neurons.", Advice.of("{} writes such files.", Action("sets RUN export"))
        ) from None
