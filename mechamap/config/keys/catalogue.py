"""Every action of the explorer that has a key: its section, what it does, and its default keys.

``actions.json`` is written from the explorer's own bindings by ``scripts/write_key_docs.py``.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import TypeAlias

__all__ = ["ActionName", "KeyAction", "KeySection", "catalogue_text", "key_sections"]

FILE = Path(__file__).with_name("actions.json")

ActionName: TypeAlias = tuple[str, str]  # section, action


@dataclass(frozen=True, slots=True)
class KeyAction:
    """Something that keys do.

    Attributes:
        name: unique in its section.
        does: in a few words.
        keys: the codes of its default keys (:mod:`mechamap.config.keys.spelling`).
    """

    name: str
    does: str
    keys: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class KeySection:
    """A screen, a dialog or a part of one.

    Attributes:
        name: the key of its mapping in a file.
        about: which part of the explorer it is.
        inside: sections whose keys work there as well.
        actions: what its keys do.
    """

    name: str
    about: str
    inside: tuple[str, ...]
    actions: tuple[KeyAction, ...]


@cache
def key_sections() -> tuple[KeySection, ...]:
    """All sections, the one for every screen first."""
    return tuple(
        KeySection(
            section["name"],
            section["about"],
            tuple(section["inside"]),
            tuple(KeyAction(action["name"], action["does"], tuple(action["keys"])) for action in section["actions"]),
        )
        for section in json.loads(FILE.read_text(encoding="utf-8"))
    )


def catalogue_text(sections: Iterable[KeySection]) -> str:
    """The content of ``actions.json``."""
    return json.dumps([asdict(section) for section in sections], indent=1, ensure_ascii=False) + "\n"
